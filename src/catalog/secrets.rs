//! Which words of a request are secrets, which SLOWLOG and MONITOR do not show.
//!
//! Layer `catalog`. Each function is told a request and a place in it; rows name it with
//! [`Spec::hides`](super::spec::Spec::hides).

use crate::resp::request::Args;

/// AUTH's secrets: with more words than it takes, Redis knows of none.
pub(super) fn of_auth(args: &Args<'_>, index: usize) -> bool {
    index > 0 && args.len() <= 3
}

/// HELLO's: the two words after AUTH.
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

/// CONFIG SET's: the values of settings that are secret.
pub(super) fn of_config_set(args: &Args<'_>, index: usize) -> bool {
    // A name, its value, another name, …
    index > 2 && index % 2 == 1 && args[index - 1].eq_ignore_ascii_case(b"requirepass")
}
