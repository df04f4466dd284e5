//! X.509 version 1 certificates, which `webpki` does not read.
//!
//! Owns [`Version1`]. The PostgreSQL manual's recipe for a server certificate (`openssl x509 -req`) makes one with
//! OpenSSL before 3.2, and libpq and pgjdbc accept it. Without this, `sslmode=prefer` would quietly fall back to plain
//! text on such a server.
//!
//! Only as the server's own certificate, issued directly by a certificate of `database.sslrootcert`: version 1 cannot
//! say who may issue, so it is never accepted in the middle of a chain. It has no alternative names either; the name is
//! checked against the common name.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::{Decode as _, Encode};

use super::names;

/// A certificate of version 1.
#[derive(Debug)]
pub(super) struct Version1(Certificate);

impl Version1 {
    /// `None` when the certificate is of a later version, or none at all.
    pub(super) fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = Certificate::from_der(certificate).ok()?;
        (parsed.tbs_certificate().version() == Version::V1).then_some(Self(parsed))
    }

    /// Checks a TLS 1.2 handshake's signature, with each algorithm that the scheme can mean.
    pub(super) fn verify_tls12(
        &self,
        message: &[u8],
        signed: &DigitallySignedStruct,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<HandshakeSignatureValid, Error> {
        let candidates = algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
        if candidates
            .flat_map(|(_, algorithms)| *algorithms)
            .any(|algorithm| verifies(&self.0, *algorithm, message, signed.signature()))
        {
            return Ok(HandshakeSignatureValid::assertion());
        }
        Err(CertificateError::BadSignature.into())
    }

    /// Checks a TLS 1.3 handshake's signature.
    pub(super) fn verify_tls13(
        &self,
        message: &[u8],
        signed: &DigitallySignedStruct,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = self.0.tbs_certificate().subject_public_key_info().to_der().map_err(bad_encoding)?;
        verify_tls13_signature_with_raw_key(message, &SubjectPublicKeyInfoDer::from(key), signed, algorithms)
    }

    /// Checks that one of the trusted certificates issued it, and that it is valid now.
    pub(super) fn verify_issuer(
        &self,
        certificate: &CertificateDer<'_>,
        trusted: &[CertificateDer<'static>],
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), Error> {
        names::check_validity(certificate, now)?;
        let signed = self.0.tbs_certificate().to_der().map_err(bad_encoding)?;
        let algorithm_id = contents(self.0.signature_algorithm()).ok_or(CertificateError::BadEncoding)?;
        let signature = self.0.signature().as_bytes().ok_or(CertificateError::BadEncoding)?;
        let issued = trusted
            .iter()
            .filter_map(|root| Certificate::from_der(root).ok())
            .filter(|root| root.tbs_certificate().subject() == self.0.tbs_certificate().issuer())
            .any(|root| {
                algorithms
                    .all
                    .iter()
                    .filter(|algorithm| algorithm.signature_alg_id().as_ref() == algorithm_id)
                    .any(|algorithm| verifies(&root, *algorithm, &signed, signature))
            });
        if issued { Ok(()) } else { Err(CertificateError::UnknownIssuer.into()) }
    }
}

/// Whether `signature` is the certificate's key's over `message`.
fn verifies(
    signer: &Certificate,
    algorithm: &dyn SignatureVerificationAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let key = signer.tbs_certificate().subject_public_key_info();
    let fits = contents(&key.algorithm).is_some_and(|id| algorithm.public_key_alg_id().as_ref() == id);
    let Some(bits) = key.subject_public_key.as_bytes() else { return false };
    fits && algorithm.verify_signature(bits, message, signature).is_ok()
}

/// An algorithm identifier without its outer tag and length, as rustls writes them.
fn contents(identifier: &impl Encode) -> Option<Vec<u8>> {
    let der = identifier.to_der().ok()?;
    AnyRef::from_der(&der).ok().map(|any| any.value().to_vec())
}

fn bad_encoding(_: x509_cert::der::Error) -> Error {
    CertificateError::BadEncoding.into()
}
