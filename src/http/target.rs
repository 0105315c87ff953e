//! What a request asks for: its path and its query, decoded.
//!
//! Layer `http`. Plain values.

use crate::resp::hex::unescape;

/// The most bytes of a path and its query together.
pub(crate) const MAX_TARGET: usize = 8 * 1024;

/// A path and a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// The path as it was sent, without the query.
    path: String,
    /// How much of it the route has taken.
    taken: usize,
    /// The decoded parameters, in order.
    parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Why a target is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadTarget {
    /// It is longer than [`MAX_TARGET`].
    #[error("the path and the query are longer than 8192 bytes")]
    TooLong,
    /// It is not a path.
    #[error("the path does not begin with '/'")]
    NoPath,
    /// A `%` is not followed by two hexadecimal digits.
    #[error("'%' is not followed by two hexadecimal digits")]
    BadEscape,
}

impl Target {
    /// Reads a request's target.
    pub(crate) fn parse(path: &str, query: Option<&str>) -> Result<Target, BadTarget> {
        if path.len() + query.map_or(0, str::len) > MAX_TARGET {
            return Err(BadTarget::TooLong);
        }
        if !path.starts_with('/') {
            return Err(BadTarget::NoPath);
        }
        decode(path, false)?;
        let mut parameters = Vec::new();
        let pairs = query.unwrap_or_default().split('&');
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.push((decode(name, true)?, decode(value, true)?));
        }
        Ok(Target {
            path: path.to_owned(),
            taken: 0,
            parameters,
        })
    }

    /// The path as it was sent.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Notes how much of the path has chosen the route.
    pub(super) fn take(&mut self, bytes: usize) {
        self.taken = bytes;
    }

    /// The path behind the part that has chosen the route, as it was sent.
    pub(crate) fn raw_rest(&self) -> &str {
        &self.path[self.taken..]
    }

    /// The same, decoded: any bytes.
    pub(crate) fn rest(&self) -> Vec<u8> {
        decode(self.raw_rest(), false).unwrap_or_default()
    }

    /// The first parameter of this name.
    pub(crate) fn query(&self, name: &str) -> Option<&[u8]> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(own, _)| own == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }
}

/// Replaces `%41` by what it stands for and, in a query, `+` by a space.
fn decode(text: &str, is_query: bool) -> Result<Vec<u8>, BadTarget> {
    let bytes = if is_query {
        unescape(text.replace('+', " ").as_bytes())
    } else {
        unescape(text.as_bytes())
    };
    bytes.ok_or(BadTarget::BadEscape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_decoded_once() {
        let target = Target::parse("/a%2525", Some("x=1+2&y&x=3&%7a=%26%3D&=e&&")).unwrap();
        assert_eq!(target.rest(), b"/a%25");
        assert_eq!(target.query("x"), Some(&b"1 2"[..]));
        assert_eq!(target.query("y"), Some(&b""[..]));
        assert_eq!(target.query("z"), Some(&b"&="[..]));
        assert_eq!(target.query("none"), None);
    }

    #[test]
    fn bad_targets_are_refused() {
        for bad in ["/%", "/%2", "/%zz", "/%\u{e9}1", "/a%+1"] {
            assert_eq!(Target::parse(bad, None), Err(BadTarget::BadEscape), "{bad}");
            let query = Target::parse("/", Some(&bad[1..]));
            assert_eq!(query, Err(BadTarget::BadEscape), "{bad}");
        }
        for bad in ["", "*", "health", "%2fhealth"] {
            assert_eq!(Target::parse(bad, None), Err(BadTarget::NoPath), "{bad}");
        }
        let long = "x".repeat(MAX_TARGET);
        assert_eq!(Target::parse("/", Some(&long)), Err(BadTarget::TooLong));
        assert!(Target::parse("/", Some(&long[1..])).is_ok());
    }
}
