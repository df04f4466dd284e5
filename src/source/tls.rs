//! TLS for the SQL connection.

use crate::config;
use crate::error::{Error, Kind, Result};

/// The client's TLS configuration for `database.ssl*`.
///
/// # Errors
/// Config, where a certificate file cannot be used.
pub(super) fn client_config(_tls: &config::Tls) -> Result<rustls::ClientConfig> {
    Err(Error::new(Kind::Config, "TLS is not there yet; set database.sslmode=disable"))
}
