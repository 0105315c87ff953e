//! What the fuzz targets of `fuzz/` promise: a function for each, which takes any bytes and panics
//! where a promise is broken.
//!
//! ```text
//!   fuzz/fuzz_targets/NAME.rs   libFuzzer's bytes ──▶ fuzz::NAME(bytes)
//!   fuzz/corpus/NAME/           what libFuzzer found worth keeping, and what once broke a promise
//!   the tests below             every file of the corpus ──▶ fuzz::NAME(bytes), in `cargo test`
//! ```
//!
//! An input is text wherever that can be, a line for each thing that happens, so that it can be read,
//! and written by hand. Compiled for tests and for cargo-fuzz only.

mod acl;
#[cfg(feature = "cli")]
mod config;
mod glob;
mod inline;
mod request;
mod resp;
mod session;

/// The request reader gives the same requests, and then the same error, as a plain reader that sees
/// all bytes at once, however the bytes are cut; it never holds more than the bytes account for, and
/// reads back what an encoder makes of the requests.
///
/// The first line of `data` is a digit, of which bit 0 says whether the client is authenticated and
/// bit 1 whether arguments are limited to 64 bytes, and the lengths of the pieces, a byte each. What
/// follows is sent.
pub fn request(data: &[u8]) {
    request::check(data);
}

/// Lines are split into words as a plain automaton for Redis's rules splits them, and words come
/// back from being quoted in any of three ways.
pub fn inline(data: &[u8]) {
    inline::check(data);
}

/// The pattern index finds what the matcher accepts, the matcher accepts what a plain one accepts, the
/// index keeps its invariants, and is empty in the end.
///
/// A line of `data` adds the pattern after a `+`, removes the pattern after a `-`, gives memory back
/// (`!`), or is a name to look up.
pub fn glob(data: &[u8]) {
    glob::check(data);
}

/// Settings are taken or refused with one line that names the culprit, and what CONFIG GET prints
/// gives the same settings by file, by flag and by CONFIG SET.
///
/// A line of `data` is an argument (after `@`), a variable of the environment (after `$`), `name
/// value` for CONFIG SET (after `=`), a pattern for CONFIG GET (after `?`), or else a line of the
/// configuration file.
#[cfg(feature = "cli")]
pub fn config(data: &[u8]) {
    config::check(data);
}

/// Rules are taken, all of them, or refused and nothing changes, as ACL SETUSER, as lines of the
/// settings, and as a file; and what ACL LIST shows of a user makes the same user again.
///
/// A line of `data` changes a user, or is one of a file's; see `fuzz/acl.rs`.
pub fn acl(data: &[u8]) {
    acl::check(data);
}

/// Three connections to a server may send anything: what they are sent are whole frames, one for
/// each command where that can be told; somebody else is served meanwhile; and once they are gone,
/// nothing is left of them.
///
/// A line of `data` is the number of a connection, a letter that says how it is sent, and a command;
/// see `fuzz/session.rs`.
pub fn session(data: &[u8]) {
    session::check(data);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Runs `target` on every file of its corpus.
    fn replay(name: &str, target: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(name);
        let files = fs::read_dir(&corpus).expect("a corpus");
        let mut replayed = 0;
        for file in files {
            let path = file.expect("a file").path();
            // Shown if the test fails.
            println!("{}", path.display());
            target(&fs::read(&path).expect("bytes"));
            replayed += 1;
        }
        assert!(replayed > 0, "{} is empty", corpus.display());
    }

    #[test]
    fn request() {
        replay("request", super::request);
    }

    #[test]
    fn inline() {
        replay("inline", super::inline);
    }

    #[test]
    fn glob() {
        replay("glob", super::glob);
    }

    #[cfg(feature = "cli")]
    #[test]
    fn config() {
        replay("config", super::config);
    }

    #[test]
    fn acl() {
        replay("acl", super::acl);
    }

    #[test]
    fn session() {
        replay("session", super::session);
    }
}
