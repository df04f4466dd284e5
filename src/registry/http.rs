//! One request to one address of a registry, with its time-outs.
//!
//! Owns the HTTP client and the few words its failures come down to. Must never put a header into a message.

use std::error::Error as StdError;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method as Verb, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::call::{Call, Method};
use super::tls;
use crate::config::{Registry, RegistryCredentials, RegistryUrl};
use crate::error::{Error, Kind, Result};

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// What a registry said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Silence {
    /// It could not be reached, or was cut off.
    Unreachable(String),
    /// It took too long.
    TimedOut(Duration),
    /// One side does not accept the other's certificate.
    Untrusted(String),
}

/// The HTTP client of one registry.
#[derive(Debug)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Of each request; the values are marked as sensitive.
    headers: HeaderMap,
    connect_timeout: Duration,
    read_timeout: Duration,
}

impl Http {
    pub(super) fn new(settings: &Registry) -> Result<Self> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(settings.connect_timeout));
        connector.set_nodelay(true);
        let tls = tls::client_config(&settings.tls)?;
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1).build(connector);
        Ok(Self {
            client,
            headers: headers(settings)?,
            connect_timeout: settings.connect_timeout,
            read_timeout: settings.read_timeout,
        })
    }

    /// Asks one address.
    ///
    /// # Cancel safety
    /// The request may have arrived all the same.
    pub(super) async fn ask(&self, url: &RegistryUrl, call: &Call) -> Result<Answer, Silence> {
        let request = self.request(url, call).map_err(|error| Silence::Unreachable(error.to_string()))?;
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|error| silence(&error))?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| silence(error.as_ref()))?.to_bytes();
            Ok(Answer { status, body })
        };
        let patience = self.connect_timeout + self.read_timeout;
        tokio::time::timeout(patience, exchange).await.unwrap_or(Err(Silence::TimedOut(patience)))
    }

    fn request(&self, url: &RegistryUrl, call: &Call) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let verb = match call.method {
            Method::Get => Verb::GET,
            Method::Post => Verb::POST,
        };
        let mut request = Request::builder().method(verb).uri(format!("{}{}", url.address, call.path));
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let mut request = request.body(Full::new(Bytes::from(call.body.clone())))?;
        let headers = request.headers_mut();
        headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        if let Some(user_info) = &url.user_info
            && !headers.contains_key(AUTHORIZATION)
        {
            headers.insert(AUTHORIZATION, sensitive(&basic(user_info.expose()))?);
        }
        Ok(request)
    }
}

fn basic(user_info: &str) -> String {
    format!("Basic {}", STANDARD.encode(user_info))
}

fn sensitive(value: &str) -> Result<HeaderValue, hyper::http::Error> {
    let mut value = HeaderValue::from_str(value)?;
    value.set_sensitive(true);
    Ok(value)
}

fn headers(settings: &Registry) -> Result<HeaderMap> {
    let unusable = |name: &str| {
        Error::new(Kind::Config, format!("{name} cannot stand in a request to the schema registry"))
            .hint("give visible characters on one line")
    };
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("walcast/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in &settings.headers {
        let header = HeaderName::try_from(name.as_str()).map_err(|_| unusable(&format!("header {name}")))?;
        headers.insert(header, sensitive(value.expose()).map_err(|_| unusable(&format!("header {name}")))?);
    }
    let authorization = match &settings.credentials {
        RegistryCredentials::OfUrl => return Ok(headers),
        RegistryCredentials::Basic(user_info) => basic(user_info.expose()),
        RegistryCredentials::Bearer(token) => format!("Bearer {}", token.expose()),
    };
    headers.insert(AUTHORIZATION, sensitive(&authorization).map_err(|_| unusable("bearer.auth.token"))?);
    Ok(headers)
}

/// What a failure comes down to: its innermost cause says it best.
fn silence(error: &(dyn StdError + 'static)) -> Silence {
    let mut cause = error;
    loop {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return match tls {
                rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_) => {
                    Silence::Untrusted(tls.to_string())
                }
                _ => Silence::Unreachable(tls.to_string()),
            };
        }
        // An I/O error holds another one, and that a third, which none of them calls its source.
        let held = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let held = held.map(|held| held as &(dyn StdError + 'static));
        match held.or_else(|| cause.source()) {
            Some(source) => cause = source,
            None => return Silence::Unreachable(cause.to_string()),
        }
    }
}
