//! What a request is answered: status, headers and body.
//!
//! Layer `http`.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;

use super::link::Gone;

/// A body whose pieces come one after the other.
pub(crate) type Pieces = Pin<Box<dyn HttpBody<Data = Bytes, Error = Gone> + Send>>;

/// The body of an answer.
pub(crate) enum Body {
    /// All of it; `None` once it was taken.
    Whole(Option<Bytes>),
    /// Pieces.
    Pieces(Pieces),
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Gone;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Gone>>> {
        match self.get_mut() {
            Body::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Pieces(pieces) => pieces.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Body::Pieces(pieces) => pieces.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Body::Pieces(pieces) => pieces.size_hint(),
        }
    }
}

/// An answer.
pub(crate) struct Answer(pub Response<Body>);

impl Answer {
    /// A body of this type, with status 200.
    pub(crate) fn whole(content_type: &'static str, body: impl Into<Bytes>) -> Answer {
        Answer::new(content_type, Body::Whole(Some(body.into())))
    }

    /// As [`whole`](Self::whole), of pieces.
    pub(crate) fn pieces(content_type: &'static str, pieces: Pieces) -> Answer {
        Answer::new(content_type, Body::Pieces(pieces))
    }

    fn new(content_type: &'static str, body: Body) -> Answer {
        let mut response = Response::new(body);
        let content_type = HeaderValue::from_static(content_type);
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        Answer(response)
    }

    /// JSON.
    pub(crate) fn json(value: &Value) -> Answer {
        Answer::whole("application/json", value.to_string())
    }

    /// No body.
    pub(crate) fn empty(status: StatusCode) -> Answer {
        let mut response = Response::new(Body::Whole(None));
        *response.status_mut() = status;
        Answer(response)
    }

    /// Changes the status.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Answer {
        *self.0.status_mut() = status;
        self
    }

    /// Sets a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Answer {
        self.0.headers_mut().insert(name, value);
        self
    }
}

/// Why a request is not carried out. It is answered as `{"error":"…"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The text. A command's error keeps its code: `NOPERM …`.
    pub text: String,
    /// The methods that the path is there for, if the request's was another.
    pub allowed: Option<&'static str>,
}

impl Refusal {
    /// A refusal.
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Refusal {
        Refusal {
            status,
            text: text.into(),
            allowed: None,
        }
    }

    /// The error of a command, with the status that its code stands for.
    pub(crate) fn of_command(text: &[u8]) -> Refusal {
        let status = match text.split(|byte| *byte == b' ').next() {
            Some(b"NOAUTH" | b"WRONGPASS") => StatusCode::UNAUTHORIZED,
            Some(b"NOPERM") => StatusCode::FORBIDDEN,
            Some(b"NOUPSTREAM") => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        Refusal::new(status, String::from_utf8_lossy(text))
    }

    /// As an answer.
    pub(super) fn answer(&self) -> Answer {
        let answer = Answer::json(&serde_json::json!({"error": self.text}));
        let answer = answer.with_status(self.status);
        match self.allowed {
            Some(methods) => answer.with_header(ALLOW, HeaderValue::from_static(methods)),
            None => answer,
        }
    }
}

/// The connection is closed after it.
impl From<Gone> for Refusal {
    fn from(gone: Gone) -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("ERR {gone}"))
    }
}
