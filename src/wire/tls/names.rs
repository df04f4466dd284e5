//! What `webpki` does not look at in a certificate: the subject's common name, and the validity of a certificate
//! that is trusted by itself.
//!
//! Source: PostgreSQL manual, "libpq, SSL Support": the common name counts only when the certificate has no subject
//! alternative name; a leading `*` stands for one label.

use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::pkix::SubjectAltName;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// Whether a certificate without subject alternative names carries the host in its common name.
pub(super) fn common_name_matches(certificate: &CertificateDer<'_>, host: &ServerName<'_>) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else { return false };
    let tbs = certificate.tbs_certificate();
    if !matches!(tbs.get_extension::<SubjectAltName>(), Ok(None)) {
        return false;
    }
    let is_address = matches!(host, ServerName::IpAddress(_));
    let host = host.to_str();
    tbs.subject()
        .iter()
        .filter(|attribute| attribute.oid == COMMON_NAME)
        .filter_map(|attribute| std::str::from_utf8(attribute.value.value()).ok())
        .any(|pattern| if is_address { pattern == host } else { name_matches(pattern, &host) })
}

fn name_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(label, rest)| {
            !label.is_empty() && parent.contains('.') && rest.eq_ignore_ascii_case(parent)
        }),
        None => pattern.eq_ignore_ascii_case(host),
    }
}

/// Whether `now` lies in a certificate's validity.
pub(super) fn check_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let Ok(certificate) = Certificate::from_der(certificate) else { return Err(CertificateError::BadEncoding.into()) };
    let validity = certificate.tbs_certificate().validity();
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        for (pattern, host, expected) in [
            ("db.example.org", "DB.example.org", true),
            ("*.example.org", "db.example.org", true),
            ("*.example.org", "a.b.example.org", false),
            ("*.example.org", "example.org", false),
            ("*.org", "example.org", false),
            ("*", "example", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("db", "db2", false),
        ] {
            assert_eq!(name_matches(pattern, host), expected, "{pattern} {host}");
        }
    }
}
