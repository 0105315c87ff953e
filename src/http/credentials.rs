//! The user and the password of a request.
//!
//! Layer `http`.
//!
//! ```text
//!   Authorization: Basic base64(user:password)
//!   Authorization: Bearer password              the default user's
//!   Authorization: Bearer user:password         if there is a user of that name
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};

use super::answer::Refusal;
use crate::acl::Acl;
use crate::client::DEFAULT_USER;

/// A user's name and password.
pub(super) type Login = (Vec<u8>, Vec<u8>);

/// The login that a request carries; `None`: it has none, and the user is the default one.
pub(super) fn login(headers: &HeaderMap, acl: &Acl) -> Result<Option<Login>, Refusal> {
    let bad = |text: &str| Refusal::new(StatusCode::BAD_REQUEST, text);
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let Some(header) = all.next() else {
        return Ok(None);
    };
    if all.next().is_some() {
        return Err(bad("ERR there is more than one Authorization header"));
    }
    let header = header.as_bytes();
    let space = header.iter().position(|byte| *byte == b' ');
    let (scheme, token) = header.split_at(space.unwrap_or(header.len()));
    let token = token.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"basic") {
        let text = STANDARD.decode(token).ok();
        let login = text.as_deref().and_then(split);
        let login = login.ok_or_else(|| bad("ERR Basic needs the base64 of 'user:password'"))?;
        return Ok(Some(login));
    }
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(bad("ERR Authorization must be Basic or Bearer"));
    }
    let of_user = split(token).filter(|(user, _)| acl.get(user).is_some());
    Ok(Some(of_user.unwrap_or_else(|| {
        (DEFAULT_USER.to_vec(), token.to_vec())
    })))
}

fn split(text: &[u8]) -> Option<Login> {
    let colon = text.iter().position(|byte| *byte == b':')?;
    Some((text[..colon].to_vec(), text[colon + 1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::user::User;

    #[test]
    fn a_login_is_basic_or_bearer() {
        let acl = Acl::new(vec![
            User::unrestricted_default(),
            User::new("ann".into(), true),
        ]);
        let read = |header: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header.parse().unwrap());
            login(&headers, &acl).map(|login| {
                let (user, password) = login.expect("the header has one");
                let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
                (text(user), text(password))
            })
        };
        let is = |user: &str, password: &str| Ok((user.to_owned(), password.to_owned()));
        assert_eq!(read("Basic YW5uOmE6Yg=="), is("ann", "a:b"));
        assert_eq!(read("basic  Og=="), is("", ""));
        assert_eq!(read("Bearer secret"), is("default", "secret"));
        assert_eq!(read("BEARER ann:secret"), is("ann", "secret"));
        assert_eq!(read("Bearer bob:secret"), is("default", "bob:secret"));
        assert_eq!(read("Bearer"), is("default", ""));
        for wrong in [
            "Basic",
            "Basic YW5u",
            "Basic ?",
            "Digest x",
            "Basic YW5uOmE6Yg",
        ] {
            assert_eq!(read(wrong).unwrap_err().status, StatusCode::BAD_REQUEST);
        }
        assert_eq!(login(&HeaderMap::new(), &acl), Ok(None));
    }
}
