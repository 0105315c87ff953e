//! Tells which arguments of a request are secrets. SLOWLOG and MONITOR do not show them.
//!
//! Layer `catalog`. It may use `resp`.
//!
//! Each function gets a request and the index of an argument. Rows name it with
//! [`Spec::hides`](super::spec::Spec::hides).

use crate::resp::request::Args;

/// Secrets of AUTH. A request with more arguments than AUTH takes has none, as in Redis.
pub(super) fn of_auth(args: &Args<'_>, index: usize) -> bool {
    index > 0 && args.len() <= 3
}

/// Secrets of HELLO: the two arguments after AUTH.
pub(super) fn of_hello(args: &Args<'_>, index: usize) -> bool {
    let is = |index, name: &[u8]| {
        args.get(index)
            .is_some_and(|word: &[u8]| word.eq_ignore_ascii_case(name))
    };
    let mut option = 2;
    while option < args.len() {
        option += match () {
            () if is(option, b"auth") => {
                if index == option + 1 || index == option + 2 {
                    return true;
                }
                3
            }
            () if is(option, b"setname") => 2,
            () => return false,
        };
    }
    false
}

/// Secrets of CONFIG SET: the values of secret settings.
pub(super) fn of_config_set(args: &Args<'_>, index: usize) -> bool {
    let is_secret = |name: &[u8]| {
        // The URL of the upstream may contain a password. The setting is refused, but shown.
        let secret: [&[u8]; 2] = [b"requirepass", b"upstream"];
        secret.iter().any(|other| name.eq_ignore_ascii_case(other))
    };
    // Names and values alternate.
    index > 2 && index % 2 == 1 && is_secret(&args[index - 1])
}
