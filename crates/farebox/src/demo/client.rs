//! A small HTTP client for stories and tests: real requests, with the `curl` line that repeats each.

use farebox_base::{Error, Result};
use farebox_net::{Client, full};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::fmt::Write as _;

/// One request of the story.
#[derive(Clone, Debug)]
pub struct Ask {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

/// What came back.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Ask {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: None }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path).json(body)
    }

    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.with("Authorization", format!("Bearer {key}"))
    }

    /// The line that repeats this request in a shell.
    pub fn curl(&self, base: &str) -> String {
        let mut line = "curl -s".to_owned();
        if self.method != Method::GET && !(self.method == Method::POST && self.body.is_some()) {
            let _ = write!(line, " -X {}", self.method);
        }
        for (name, value) in &self.headers {
            let _ = write!(line, " -H \"{name}: {value}\"");
        }
        if let Some(body) = &self.body {
            let _ =
                write!(line, " -H 'Content-Type: application/json' -d '{}'", body.to_string().replace('\'', "'\\''"));
        }
        let _ = write!(line, " \"{base}{}\"", self.path);
        line
    }

    /// Sends it.
    ///
    /// # Errors
    /// `Internal` where no answer came.
    pub async fn send(&self, client: &Client, base: &str) -> Result<Got> {
        let mut request = Request::builder().method(self.method.clone()).uri(format!("{base}{}", self.path));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let bytes = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        if self.body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(full(bytes)).map_err(|e| Error::internal(e.to_string()))?;
        let response = client.send(request).await.map_err(|e| Error::internal(format!("{e:?}")))?;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|e| Error::internal(e.to_string()))?.to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Got { status: head.status, headers: head.headers, text })
    }
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The text at a JSON pointer such as `/data/slug`; empty where there is none.
    pub fn at(&self, pointer: &str) -> String {
        let value: Value = serde_json::from_str(&self.text).unwrap_or_default();
        match value.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }
}
