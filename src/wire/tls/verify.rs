//! How far the server's certificate is checked.
//!
//! Owns [`Verifier`], the one certificate verifier for all modes. The signature of the handshake is checked in every
//! mode: without it, a relay could show the real server's certificate and defeat channel binding.
//!
//! Beyond what `webpki` accepts, two things that libpq and pgjdbc accept are let through, because the PostgreSQL
//! manual's own recipes produce them: a self-signed server certificate that is itself listed as trusted, and a
//! certificate that names its host only in the subject's common name.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::names;

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
        parsed: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.trusted.iter().any(|trusted| trusted.as_ref() == certificate.as_ref()) {
            return names::check_validity(certificate, now);
        }
        verify_server_cert_signed_by_trust_anchor(parsed, &self.roots, intermediates, now, self.algorithms.all)
    }
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
            let parsed = ParsedCertificate::try_from(end_entity)?;
            self.chain(end_entity, &parsed, intermediates, now)?;
            if self.check == Check::ChainAndName {
                match verify_server_name(&parsed, server_name) {
                    Err(Error::InvalidCertificate(
                        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                    )) if names::common_name_matches(end_entity, server_name) => {}
                    other => other?,
                }
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
