//! TLS towards a registry: what is trusted, and who we are.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::{Pem, RegistryTls};
use crate::error::{Error, Kind, Result};
use crate::wire::tls::system_roots;

/// The rustls configuration of a registry's settings.
///
/// # Errors
/// `Config` when a file cannot be read or holds no certificate or key.
pub(super) fn client_config(tls: &RegistryTls) -> Result<ClientConfig> {
    let roots = match &tls.trusted {
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(pem, "truststore")? {
                roots.add(certificate).map_err(|error| unusable("truststore", pem).caused_by(error))?;
            }
            roots
        }
        None => system_roots(),
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::bug("the TLS provider supports no protocol version").caused_by(error))?
        .with_root_certificates(roots);
    match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => builder
            .with_client_auth_cert(certificates(certificate, "keystore")?, private_key(key)?)
            .map_err(|error| unusable("keystore", key).caused_by(error)),
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn unusable(store: &str, pem: &Pem) -> Error {
    let place = match pem {
        Pem::File(path) => path.as_str(),
        Pem::Text(_) => "the text given",
    };
    Error::new(Kind::Config, format!("the schema registry's ssl.{store}: {place} cannot be used"))
        .hint("give PEM: certificates, and a private key without a passphrase")
}

fn read(pem: &Pem, store: &str) -> Result<Vec<u8>> {
    match pem {
        // A properties file has a long value on one line, its breaks as `\n`.
        Pem::Text(text) => Ok(text.expose().replace("\\n", "\n").into_bytes()),
        Pem::File(path) => std::fs::read(path).map_err(|error| unusable(store, pem).caused_by(error)),
    }
}

fn certificates(pem: &Pem, store: &str) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = read(pem, store)?;
    let found = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(store, pem).caused_by(error))?;
    match found.is_empty() {
        true => Err(unusable(store, pem).detail("it holds no certificate")),
        false => Ok(found),
    }
}

fn private_key(pem: &Pem) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(&read(pem, "keystore")?).map_err(|error| unusable("keystore", pem).caused_by(error))
}
