//! Schema registries: where schemas are registered, and as whom.
//!
//! Owns the typed form of what stands below `key.converter.` and `value.converter.` for Confluent's and Apicurio's
//! `AvroConverter`, and the rules that take more than one of these properties. Must never put a user, a password or a
//! token into a text, not even one that stands in a URL.

use std::time::Duration;

use super::check::Checked;
use super::converters::{self, Class};
use super::findings::Findings;
use super::jaas;
use super::secret::Secret;

/// The registries of keys and values; none where the converter needs none.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    /// For keys.
    pub key: Option<Registry>,
    /// For values.
    pub value: Option<Registry>,
}

/// A schema registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Its addresses, one as good as the other; at least one.
    pub urls: Vec<RegistryUrl>,
    /// The interface it is spoken to in.
    pub dialect: RegistryDialect,
    /// How a schema's number is found.
    pub choice: SchemaChoice,
    /// `normalize.schemas`
    pub normalize: bool,
    /// As whom.
    pub credentials: RegistryCredentials,
    /// Headers of each request.
    pub headers: Vec<(String, Secret)>,
    /// TLS.
    pub tls: RegistryTls,
    /// `http.connect.timeout.ms`
    pub connect_timeout: Duration,
    /// `http.read.timeout.ms`
    pub read_timeout: Duration,
}

/// One address of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryUrl {
    /// `http://` or `https://`, host, port and path; neither user nor slash at the end.
    pub address: String,
    /// `user:password`, where it stood in the URL.
    pub user_info: Option<Secret>,
}

/// The interface of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryDialect {
    /// Confluent's, which others have as well.
    Confluent,
    /// Apicurio's own, version 2.
    ApicurioV2 {
        /// Which of its two numbers stands in records.
        id: ApicurioId,
        /// `apicurio.registry.artifact.group-id`
        group: String,
    },
    /// Apicurio's own, version 3.
    ApicurioV3 {
        /// Which of its two numbers stands in records.
        id: ApicurioId,
        /// `apicurio.registry.artifact.group-id`
        group: String,
    },
}

/// `apicurio.registry.use-id`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApicurioId {
    /// The number of the text, whatever artifacts have it.
    Content,
    /// The number of the artifact's version.
    Global,
}

/// How a schema's number is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaChoice {
    /// It is registered where it is not yet.
    Register,
    /// It must have been registered.
    LookUp,
    /// The subject's latest one is taken, if records can be written under it.
    Latest,
}

/// As whom a registry is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryCredentials {
    /// Nobody, or whoever stands in the URL.
    OfUrl,
    /// `user:password`.
    Basic(Secret),
    /// A token.
    Bearer(Secret),
}

/// TLS towards a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryTls {
    /// The authorities that alone are trusted; the system's where absent.
    pub trusted: Option<Pem>,
    /// The client's certificates.
    pub certificate: Option<Pem>,
    /// The client's key.
    pub key: Option<Pem>,
}

/// Where a PEM text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pem {
    /// In a file.
    File(String),
    /// Here.
    Text(Secret),
}

/// The registries that the converters need.
pub(super) fn both(checked: &Checked, findings: &mut Findings) -> Registries {
    let mut one = |name| Settings { checked, converter: name }.registry(findings);
    Registries { key: one("key.converter"), value: one("value.converter") }
}

/// The settings of one converter.
struct Settings<'c> {
    checked: &'c Checked,
    converter: &'static str,
}

impl Settings<'_> {
    fn name(&self, setting: &str) -> String {
        format!("{}.{setting}", self.converter)
    }

    fn value(&self, setting: &str) -> Option<&str> {
        self.checked.value(&self.name(setting)).map(str::trim).filter(|value| !value.is_empty())
    }

    fn is(&self, setting: &str) -> bool {
        self.value(setting).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn millis(&self, setting: &str) -> Duration {
        Duration::from_millis(self.value(setting).and_then(|value| value.parse().ok()).unwrap_or_default())
    }

    fn mistake(&self, findings: &mut Findings, setting: &str, text: &str) {
        let name = self.name(setting);
        if !findings.is_reported(&name) {
            findings.mistake_of(&name, format!("{name}: {text}"));
        }
    }

    fn registry(&self, findings: &mut Findings) -> Option<Registry> {
        match converters::class(self.checked, self.converter)? {
            Class::ConfluentAvro => self.confluent(findings),
            Class::ApicurioAvro => self.apicurio(findings),
            Class::Json | Class::Java => None,
        }
    }

    fn confluent(&self, findings: &mut Findings) -> Option<Registry> {
        let urls = self.urls("schema.registry.url", findings)?;
        let choice = match (self.is("auto.register.schemas"), self.is("use.latest.version")) {
            (true, latest) => {
                if latest {
                    let name = self.name("use.latest.version");
                    findings
                        .warn(&name, "has no effect while auto.register.schemas is true, in Confluent's converter too");
                }
                SchemaChoice::Register
            }
            (false, true) => SchemaChoice::Latest,
            (false, false) => SchemaChoice::LookUp,
        };
        Some(Registry {
            urls,
            dialect: RegistryDialect::Confluent,
            choice,
            normalize: self.is("normalize.schemas"),
            credentials: self.credentials(findings),
            headers: self.headers("request.header."),
            tls: self.tls("schema.registry.ssl.", findings),
            connect_timeout: self.millis("http.connect.timeout.ms"),
            read_timeout: self.millis("http.read.timeout.ms"),
        })
    }

    fn apicurio(&self, findings: &mut Findings) -> Option<Registry> {
        let mut urls = self.urls("apicurio.registry.url", findings)?;
        let version3 = self.native_paths(&mut urls, findings)?;
        self.framing(version3, findings);
        let id = match self.value("apicurio.registry.use-id") {
            Some(id) if id.eq_ignore_ascii_case("contentId") => ApicurioId::Content,
            None if version3 => ApicurioId::Content,
            _ => ApicurioId::Global,
        };
        let group = self.value("apicurio.registry.artifact.group-id").unwrap_or("default").to_owned();
        let credentials = match (self.value("apicurio.auth.username"), self.value("apicurio.auth.password")) {
            (None, None) => RegistryCredentials::OfUrl,
            (user, password) => RegistryCredentials::Basic(Secret::new(format!(
                "{}:{}",
                user.unwrap_or_default(),
                password.unwrap_or_default()
            ))),
        };
        let choice = match (self.is("apicurio.registry.auto-register"), self.is("apicurio.registry.find-latest")) {
            (true, _) => SchemaChoice::Register,
            (false, true) => SchemaChoice::Latest,
            (false, false) => SchemaChoice::LookUp,
        };
        Some(Registry {
            urls,
            dialect: match version3 {
                true => RegistryDialect::ApicurioV3 { id, group },
                false => RegistryDialect::ApicurioV2 { id, group },
            },
            choice,
            normalize: false,
            credentials,
            headers: self.headers("apicurio.registry.request.headers."),
            tls: self.tls("apicurio.registry.request.ssl.", findings),
            connect_timeout: self.millis("http.connect.timeout.ms"),
            read_timeout: self.millis("http.read.timeout.ms"),
        })
    }

    /// Completes addresses as Apicurio's client does; tells whether they are of version 3.
    fn native_paths(&self, urls: &mut [RegistryUrl], findings: &mut Findings) -> Option<bool> {
        const SETTING: &str = "apicurio.registry.url";
        for url in &mut *urls {
            if url.address.contains("/apis/ccompat") {
                self.mistake(
                    findings,
                    SETTING,
                    "this converter speaks Apicurio's own interface; give .../apis/registry/v2 or v3, or use \
                     io.confluent.connect.avro.AvroConverter with schema.registry.url",
                );
                return None;
            }
            if !url.address.contains("/apis/registry/") {
                url.address.push_str("/apis/registry/v2");
            }
        }
        let of = |version: &str| urls.iter().filter(|url| url.address.ends_with(version)).count();
        if of("/apis/registry/v3") == urls.len() {
            return Some(true);
        }
        if of("/apis/registry/v2") == urls.len() {
            return Some(false);
        }
        self.mistake(findings, SETTING, "must end with /apis/registry/v2 or /apis/registry/v3, all of them alike");
        None
    }

    /// Only Confluent's framing is written: a zero and four bytes.
    fn framing(&self, version3: bool, findings: &mut Findings) {
        let headers = self.value("apicurio.registry.headers.enabled");
        if headers.map_or(!version3, |given| given.eq_ignore_ascii_case("true")) {
            let text = "the schema's number must stand before each record; set it to false, and as-confluent to true \
                        (true is the default of Apicurio's converter 2)";
            self.mistake(findings, "apicurio.registry.headers.enabled", text);
        }
        let handler = self.value("apicurio.registry.id-handler").and_then(|class| class.rsplit('.').next());
        let four_bytes = match (self.value("apicurio.registry.as-confluent"), handler) {
            (Some(given), _) => given.eq_ignore_ascii_case("true"),
            (None, Some(handler)) => matches!(handler, "Legacy4ByteIdHandler" | "Default4ByteIdHandler"),
            (None, None) => version3,
        };
        if !four_bytes {
            let text = "the schema's number takes four bytes here, as with Confluent; set it to true";
            self.mistake(findings, "apicurio.registry.as-confluent", text);
        }
    }

    fn urls(&self, setting: &str, findings: &mut Findings) -> Option<Vec<RegistryUrl>> {
        let Some(list) = self.value(setting) else {
            self.mistake(findings, setting, "is missing; it is the address of the schema registry");
            return None;
        };
        let given: Vec<&str> = list.split(',').map(str::trim).filter(|url| !url.is_empty()).collect();
        let urls: Vec<_> = given.iter().filter_map(|url| parse_url(url)).collect();
        if urls.len() < given.len() || urls.is_empty() {
            // What stands there may hold a password.
            self.mistake(
                findings,
                setting,
                "must be http://host:port or https://host:port, several separated by commas",
            );
            return None;
        }
        Some(urls)
    }

    fn credentials(&self, findings: &mut Findings) -> RegistryCredentials {
        let explicit = |setting: &str| self.checked.explicit(&self.name(setting)).map(str::trim);
        if explicit("bearer.auth.credentials.source").is_some() || explicit("bearer.auth.token").is_some() {
            let Some(token) = self.value("bearer.auth.token") else {
                self.mistake(findings, "bearer.auth.token", "is missing; bearer.auth.credentials.source asks for it");
                return RegistryCredentials::OfUrl;
            };
            return RegistryCredentials::Bearer(Secret::new(token));
        }
        let source = self.value("basic.auth.credentials.source").unwrap_or("URL").to_ascii_uppercase();
        match source.as_str() {
            "USER_INFO" => match self.value("basic.auth.user.info") {
                Some(user_info) if user_info.contains(':') => RegistryCredentials::Basic(Secret::new(user_info)),
                _ => {
                    self.mistake(findings, "basic.auth.user.info", "must be user:password");
                    RegistryCredentials::OfUrl
                }
            },
            "SASL_INHERIT" => self.inherited(findings),
            _ => {
                if explicit("basic.auth.user.info").is_some() {
                    let text = "has no effect: basic.auth.credentials.source is not USER_INFO";
                    findings.warn(&self.name("basic.auth.user.info"), text);
                }
                RegistryCredentials::OfUrl
            }
        }
    }

    /// User and password of `sasl.jaas.config`, the converter's or else the producer's.
    fn inherited(&self, findings: &mut Findings) -> RegistryCredentials {
        const SETTING: &str = "sasl.jaas.config";
        let of_producer = || {
            let mut overrides = self.checked.under("producer.override.");
            overrides.find(|(name, _)| *name == SETTING).map(|(_, setting)| setting.value.trim())
        };
        let problem = match self.value(SETTING).or_else(of_producer).map(jaas::parse) {
            Some(Ok(login)) => {
                let user_info = format!("{}:{}", login.username, login.password.expose());
                return RegistryCredentials::Basic(Secret::new(user_info));
            }
            Some(Err(problem)) => problem,
            None => "is missing; basic.auth.credentials.source=SASL_INHERIT takes it from here",
        };
        self.mistake(findings, SETTING, &format!("{problem}; {}", jaas::REMEDY));
        RegistryCredentials::OfUrl
    }

    fn headers(&self, family: &str) -> Vec<(String, Secret)> {
        // The family has one prefix for each converter.
        let prefix = self.name(family);
        let settings = self.checked.under(&prefix);
        settings.map(|(name, setting)| (name.to_owned(), Secret::new(setting.value.trim()))).collect()
    }

    fn tls(&self, family: &str, findings: &mut Findings) -> RegistryTls {
        let value = |setting: &str| self.value(&format!("{family}{setting}"));
        let text = |setting: &str| value(setting).map(|text| Pem::Text(Secret::new(text)));
        let mut file = |store: &str, remedy: &str| {
            let location = value(&format!("{store}.location"))?;
            if is_pem(value(&format!("{store}.type")), location) {
                return Some(Pem::File(location.to_owned()));
            }
            let problem = format!("Java's own stores cannot be read; {remedy}, and set {family}{store}.type=PEM");
            self.mistake(findings, &format!("{family}{store}.location"), &problem);
            None
        };
        let trusted = file("truststore", "write its certificates as PEM (keytool -exportcert -rfc -keystore STORE)");
        let own = file(
            "keystore",
            "write key and certificates as PEM (keytool -importkeystore -deststoretype PKCS12, then openssl pkcs12 -nodes)",
        );
        let tls = RegistryTls {
            trusted: text("truststore.certificates").or(trusted),
            certificate: text("keystore.certificate.chain").or_else(|| own.clone()),
            key: text("keystore.key").or(own),
        };
        if tls.certificate.is_some() != tls.key.is_some() {
            let problem = "needs keystore.certificate.chain, and the other way round; set both or none";
            self.mistake(findings, &format!("{family}keystore.key"), problem);
        }
        tls
    }
}

/// The form as given, or as the file's name tells: Java's default is its own.
fn is_pem(form: Option<&str>, location: &str) -> bool {
    let location = location.to_ascii_lowercase();
    match form {
        Some(form) => form.eq_ignore_ascii_case("PEM"),
        None => [".pem", ".crt", ".cer"].iter().any(|ending| location.ends_with(ending)),
    }
}

/// An address, with what stood before its host kept apart.
fn parse_url(text: &str) -> Option<RegistryUrl> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user_info, host) = match authority.rsplit_once('@') {
        Some((user_info, host)) => (Some(Secret::new(unescaped(user_info)?)), host),
        None => (None, authority),
    };
    let port = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    let good_port = port.is_none_or(|(_, port)| port.parse::<u16>().is_ok());
    let good_host =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'));
    let good_path = path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'));
    if !matches!(scheme.as_str(), "http" | "https") || !good_port || !good_host || !good_path {
        return None;
    }
    Some(RegistryUrl { address: format!("{scheme}://{host}{}", path.trim_end_matches('/')), user_info })
}

/// `%40` and its like as the characters they stand for.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit()? << 4 | digit()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let secret = |text: &str| Some(Secret::new(text));
        for (text, address, user_info) in [
            ("http://localhost:8081", "http://localhost:8081", None),
            ("HTTPS://h/", "https://h", None),
            ("https://u:p%40ss@h:8443/apis/ccompat/v7/", "https://h:8443/apis/ccompat/v7", secret("u:p@ss")),
            ("http://[::1]:8081", "http://[::1]:8081", None),
        ] {
            let url = parse_url(text).expect(text);
            assert_eq!((url.address.as_str(), url.user_info), (address, user_info), "{text}");
        }
        for text in ["", "localhost:8081", "ftp://h", "http://", "http://h:x", "http://h?a=b", "http://u:%zz@h"] {
            assert_eq!(parse_url(text), None, "{text}");
        }
    }
}
