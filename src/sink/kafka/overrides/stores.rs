//! Java's key and trust stores.
//!
//! Owns the `ssl.keystore.*` and `ssl.truststore.*` properties of Kafka's Java clients (KIP-651 for the PEM forms).
//! librdkafka reads PEM, and PKCS#12 for the client's key; Java's own store format is refused with the command that
//! converts it.

use super::Translation;

/// Names that are looked at together.
const NAMES: &[&str] = &[
    "ssl.keystore.type",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.key",
    "ssl.keystore.certificate.chain",
    "ssl.truststore.type",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.certificates",
];

/// Whether a name is one of those that are looked at together.
pub(super) fn is_one(name: &str) -> bool {
    NAMES.contains(&name)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Pem,
    Pkcs12,
    Java,
}

impl Translation<'_> {
    /// The type as given, or as the file's name tells: Java's default is its own format.
    fn format(&self, type_name: &str, location: &str) -> Format {
        let ends = |ending: &str| location.to_ascii_lowercase().ends_with(ending);
        match self.value(type_name).map(str::to_ascii_uppercase).as_deref() {
            Some("PEM") => Format::Pem,
            Some("PKCS12") => Format::Pkcs12,
            Some(_) => Format::Java,
            None if ends(".pem") || ends(".crt") => Format::Pem,
            None if ends(".p12") || ends(".pfx") => Format::Pkcs12,
            None => Format::Java,
        }
    }

    pub(super) fn key_and_trust_stores(&mut self) {
        if let Some(key) = self.value("ssl.keystore.key") {
            self.set("ssl.key.pem", key, "ssl.keystore.key");
        }
        if let Some(chain) = self.value("ssl.keystore.certificate.chain") {
            self.set("ssl.certificate.pem", chain, "ssl.keystore.certificate.chain");
        }
        if let Some(roots) = self.value("ssl.truststore.certificates") {
            self.set("ssl.ca.pem", roots, "ssl.truststore.certificates");
        }
        let name = "ssl.keystore.location";
        if let Some(location) = self.value(name) {
            match self.format("ssl.keystore.type", location) {
                Format::Pem => {
                    self.set("ssl.key.location", location, name);
                    self.set("ssl.certificate.location", location, name);
                }
                Format::Pkcs12 => {
                    self.set(name, location, name);
                    if let Some(password) = self.value("ssl.keystore.password") {
                        self.set("ssl.keystore.password", password, "ssl.keystore.password");
                    }
                }
                Format::Java => self.refuse(
                    name,
                    "a Java key store cannot be read",
                    "convert it (keytool -importkeystore -srckeystore OLD -destkeystore NEW.p12 -deststoretype PKCS12) \
                     and set ssl.keystore.type=PKCS12",
                ),
            }
        }
        let name = "ssl.truststore.location";
        if let Some(location) = self.value(name) {
            match self.format("ssl.truststore.type", location) {
                Format::Pem => self.set("ssl.ca.location", location, name),
                Format::Pkcs12 | Format::Java => self.refuse(
                    name,
                    "a trust store that is not PEM cannot be read",
                    "export it (keytool -exportcert -rfc -alias CA -keystore OLD -file CA.pem) and set \
                     ssl.truststore.type=PEM and ssl.truststore.location=CA.pem",
                ),
            }
        }
    }
}
