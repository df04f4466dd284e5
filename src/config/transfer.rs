//! How values come from the server.

/// `walcast.binary`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BinaryTransfer {
    /// In their binary form, where every published type has one that is safe to read.
    #[default]
    Auto,
    /// Always as text.
    Never,
}
