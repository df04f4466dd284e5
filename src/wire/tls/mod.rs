//! TLS towards PostgreSQL, with libpq's meaning of `sslmode`.
//!
//! Owns [`client_config`], which the SQL connections use as well, and the handshake's error texts. The crypto provider
//! (`ring`) is passed explicitly, so no process-wide default is needed or touched.
//!
//! | mode | TLS | chain | name |
//! |---|---|---|---|
//! | `disable` | never | | |
//! | `prefer` | where offered | no | no |
//! | `require` | always | only with a root certificate | no |
//! | `verify-ca` | always | yes | no |
//! | `verify-full` | always | yes | yes |
//!
//! Source: PostgreSQL manual, "libpq, SSL Support".

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};

use crate::config::{SslMode, Tls};
use crate::error::{Error, Kind, Result};

pub(crate) mod binding;
mod names;
mod verify;
mod version1;

use verify::{Check, Verifier};

/// The rustls configuration for a database's TLS settings; `None` for [`SslMode::Disable`].
///
/// Reads the certificate files, and the system's roots where they are needed.
///
/// # Errors
/// `Config` when a file cannot be read or holds no certificate or key.
pub fn client_config(tls: &Tls) -> Result<Option<ClientConfig>> {
    let check = match (tls.mode, &tls.root_certificate) {
        (SslMode::Disable, _) => return Ok(None),
        (SslMode::Prefer, _) | (SslMode::Require, None) => Check::Nothing,
        (SslMode::Require, Some(_)) | (SslMode::VerifyCa, _) => Check::Chain,
        (SslMode::VerifyFull, _) => Check::ChainAndName,
    };
    let trusted = match (check, &tls.root_certificate) {
        (Check::Nothing, _) => Vec::new(),
        (_, Some(path)) => certificates(path, "database.sslrootcert")?,
        (_, None) => Vec::new(),
    };
    let roots = match (check, &tls.root_certificate) {
        (Check::Nothing, _) => RootCertStore::empty(),
        (_, Some(path)) => roots_of(&trusted, path)?,
        (_, None) => system_roots(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new(check, roots, trusted, provider.signature_verification_algorithms);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::bug("the TLS provider supports no protocol version").caused_by(error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match (&tls.client_certificate, &tls.client_key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            builder.with_client_cert_resolver(Arc::new(client_identity(certificate, key, &provider)?))
        }
        (Some(_), None) => return Err(Error::new(Kind::Config, "database.sslcert is set without database.sslkey")),
        (None, Some(_)) => return Err(Error::new(Kind::Config, "database.sslkey is set without database.sslcert")),
    };
    Ok(Some(config))
}

/// Whether a failure means that one side does not accept the other, rather than that the connection was cut. In TLS
/// 1.3 the server judges our certificate after the handshake is over for us, so reads and writes fail with it as well.
pub(super) fn is_refusal(failure: &std::io::Error) -> bool {
    use rustls::AlertDescription as Alert;
    match failure.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(
            rustls::Error::InvalidCertificate(_)
            | rustls::Error::PeerIncompatible(_)
            | rustls::Error::NoCertificatesPresented,
        ) => true,
        Some(rustls::Error::AlertReceived(alert)) => matches!(
            alert,
            Alert::HandshakeFailure
                | Alert::NoCertificate
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::CertificateRequired
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::DecryptError
                | Alert::ProtocolVersion
                | Alert::InsufficientSecurity
                | Alert::UnrecognisedName
        ),
        _ => false,
    }
}

/// What a failed handshake means: `Authentication` when one side did not accept the other, else `Connection`.
pub(super) fn handshake_failed(failure: std::io::Error, mode: SslMode) -> Error {
    if !is_refusal(&failure) {
        return Error::new(Kind::Connection, "the TLS handshake was cut").caused_by(failure);
    }
    let hint = match mode {
        SslMode::VerifyFull => {
            "check database.sslrootcert, and that the server's certificate names the host in database.hostname"
        }
        SslMode::VerifyCa | SslMode::Require => "check database.sslrootcert and the client certificate",
        SslMode::Prefer | SslMode::Disable => "check the server's certificate and the client certificate",
    };
    Error::new(Kind::Authentication, "the TLS handshake failed").caused_by(failure).hint(hint)
}

/// The client's certificate and key. A certificate that `webpki` cannot read (version 1) is sent as it is: whether it is
/// good is for the server to say.
fn client_identity(certificate: &str, key: &str, provider: &CryptoProvider) -> Result<SingleCertAndKey> {
    let unusable = |error| {
        Error::new(Kind::Config, "the client certificate and its key cannot be used together")
            .caused_by(error)
            .hint("check that database.sslkey is the key of database.sslcert")
    };
    let chain = certificates(certificate, "database.sslcert")?;
    let key = provider.key_provider.load_private_key(private_key(key)?).map_err(unusable)?;
    let identity = CertifiedKey::new(chain, key);
    match identity.keys_match() {
        Err(error @ rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => Err(unusable(error)),
        _ => Ok(SingleCertAndKey::from(identity)),
    }
}

fn read(path: &str, property: &str) -> Result<Vec<u8>> {
    std::fs::read(Path::new(path))
        .map_err(|error| Error::new(Kind::Config, format!("{property}: cannot read {path}")).caused_by(error))
}

/// Every certificate of a PEM file, or the one of a DER file.
fn certificates(path: &str, property: &str) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = read(path, property)?;
    if memchr::memmem::find(&bytes, b"-----BEGIN").is_none() && !bytes.is_empty() {
        return Ok(vec![CertificateDer::from(bytes)]);
    }
    let found = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Error::new(Kind::Config, format!("{property}: {path} is not a PEM file")).caused_by(error))?;
    if found.is_empty() {
        return Err(Error::new(Kind::Config, format!("{property}: {path} holds no certificate")));
    }
    Ok(found)
}

fn private_key(path: &str) -> Result<PrivateKeyDer<'static>> {
    let bytes = read(path, "database.sslkey")?;
    if memchr::memmem::find(&bytes, b"-----BEGIN").is_none() {
        return PrivateKeyDer::try_from(bytes).map_err(|_| {
            Error::new(Kind::Config, format!("database.sslkey: {path} is neither PEM nor an unencrypted PKCS#8 key"))
        });
    }
    if memchr::memmem::find(&bytes, b"ENCRYPTED").is_some() {
        return Err(Error::new(Kind::Config, format!("database.sslkey: {path} is encrypted, which is not supported"))
            .hint("write it without a passphrase (openssl pkey -in KEY -out NEW) and restrict who may read it"));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        Error::new(Kind::Config, format!("database.sslkey: {path} holds no private key")).caused_by(error)
    })
}

fn roots_of(trusted: &[CertificateDer<'static>], path: &str) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate.clone()).map_err(|error| {
            Error::new(Kind::Config, format!("database.sslrootcert: {path} holds a certificate that cannot be read"))
                .caused_by(error)
        })?;
    }
    Ok(roots)
}

/// The roots that the system trusts; Mozilla's list where it has none.
pub(crate) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::debug!("a system root certificate could not be read: {error}");
    }
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        tracing::debug!("the system has no root certificates; Mozilla's list is used");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

#[cfg(test)]
mod tests;
