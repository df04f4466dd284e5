//! How far the server's certificate is checked.
//!
//! Owns [`Verifier`], the one certificate verifier for all modes. The signature of the handshake is checked in every
//! mode: without it, a relay could show the real server's certificate and defeat channel binding.
//!
//! Beyond what `webpki` accepts, three things that libpq and pgjdbc accept are let through, because the PostgreSQL
//! manual's own recipes produce them: a self-signed server certificate that is itself listed as trusted, a certificate
//! that names its host only in the subject's common name, and one of X.509 version 1.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::names;
use super::version1::Version1;

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Only that the server holds the key of the certificate it shows.
    Nothing,
    /// And that the chain ends in a trusted root.
    Chain,
    /// And that the certificate names the host.
    ChainAndName,
}

/// A certificate verifier with libpq's rules.
#[derive(Debug)]
pub(super) struct Verifier {
    check: Check,
    roots: RootCertStore,
    /// The certificates of the root file, to recognise a server certificate that stands there itself.
    trusted: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) const fn new(
        check: Check,
        roots: RootCertStore,
        trusted: Vec<CertificateDer<'static>>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { check, roots, trusted, algorithms }
    }

    fn chain(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.trusted.iter().any(|trusted| trusted.as_ref() == certificate.as_ref()) {
            return names::check_validity(certificate, now);
        }
        if let Some(old) = Version1::read(certificate) {
            return old.verify_issuer(certificate, &self.trusted, now, &self.algorithms);
        }
        let parsed = ParsedCertificate::try_from(certificate)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, self.algorithms.all)
    }
}

fn name(certificate: &CertificateDer<'_>, host: &ServerName<'_>) -> Result<(), Error> {
    if names::common_name_matches(certificate, host) {
        return Ok(());
    }
    if Version1::read(certificate).is_some() {
        return Err(CertificateError::NotValidForName.into());
    }
    verify_server_name(&ParsedCertificate::try_from(certificate)?, host)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.check != Check::Nothing {
            self.chain(end_entity, intermediates, now)?;
        }
        if self.check == Check::ChainAndName {
            name(end_entity, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match Version1::read(certificate) {
            Some(old) => old.verify_tls12(message, signature, &self.algorithms),
            None => verify_tls12_signature(message, certificate, signature, &self.algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match Version1::read(certificate) {
            Some(old) => old.verify_tls13(message, signature, &self.algorithms),
            None => verify_tls13_signature(message, certificate, signature, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
