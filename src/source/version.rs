//! The server's version.

/// The server's version as `server_version_num` counts it: 150017 is 15.17.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerVersion(pub u32);

impl ServerVersion {
    /// The major version: 15 of 15.17.
    #[must_use]
    pub const fn major(self) -> u32 {
        self.0 / 10_000
    }

    /// Reads the start-up parameter `server_version`: `15.17 (Debian 15.17-0+deb12u1)`, `19beta1`, `9.6.24`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let number = |part: &str| -> Option<u32> {
            let digits = part.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        };
        let mut parts = text.split('.');
        let major = number(parts.next()?)?;
        let minor = parts.next().and_then(number).unwrap_or(0);
        let num =
            if major >= 10 { major.checked_mul(10_000)?.checked_add(minor)? } else { major * 10_000 + minor * 100 };
        Some(Self(num))
    }
}

impl std::fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.major() >= 10 {
            write!(f, "{}.{}", self.major(), self.0 % 10_000)
        } else {
            write!(f, "{}.{}", self.major(), self.0 / 100 % 100)
        }
    }
}
