//! The properties that the fuzz targets of `fuzz/` test. Each target has a function that accepts
//! any bytes and panics if a property does not hold.
//!
//! Layer `fuzz`, for tests and cargo-fuzz only. It may use all others.
//!
//! ```text
//!   fuzz/fuzz_targets/NAME.rs   libFuzzer's bytes ──▶ fuzz::NAME(bytes)
//!   fuzz/corpus/NAME/           inputs that libFuzzer kept, and inputs that once failed
//!   the tests below             every file of the corpus ──▶ fuzz::NAME(bytes), in `cargo test`
//! ```
//!
//! Where possible, an input is text with a line for each action, so that people can read and write
//! it.

mod acl;
#[cfg(feature = "cli")]
mod config;
mod glob;
#[cfg(feature = "http")]
mod http;
mod inline;
#[cfg(feature = "scripts")]
mod libraries;
mod request;
mod resp;
mod session;

/// However the bytes are split, the request reader returns the same requests, and then the same
/// error, as a plain reader that sees all bytes at once. Its memory is bounded by the number of
/// bytes. It reads the requests again after they were encoded.
///
/// The first line of `data` is a digit and the lengths of the pieces, a byte each. Bit 0 of the
/// digit says whether the client is authenticated, and bit 1 whether arguments are limited to 64
/// bytes. The other lines are what the client sends.
pub fn request(data: &[u8]) {
    request::run_input(data);
}

/// Lines are split into words as a plain automaton for Redis's rules splits them. Words that were
/// quoted in any of three ways are split into the same words again.
pub fn inline(data: &[u8]) {
    inline::run_input(data);
}

/// The pattern index finds exactly the patterns that the matcher accepts. The matcher agrees with a
/// plain one. The index keeps its invariants, and is empty after all patterns were removed.
///
/// A line of `data` adds the pattern after a `+`, removes the pattern after a `-`, frees memory
/// (`!`), or is a name to look up.
pub fn glob(data: &[u8]) {
    glob::run_input(data);
}

/// Settings are accepted, or refused with one line that names the wrong setting. What CONFIG GET
/// prints gives the same settings when it is read from a file, applied by name, or given to CONFIG
/// SET.
///
/// A line of `data` is an argument (after `@`), a variable of the environment (after `$`), `name
/// value` for CONFIG SET (after `=`), a pattern for CONFIG GET (after `?`), or else a line of the
/// configuration file.
#[cfg(feature = "cli")]
pub fn config(data: &[u8]) {
    config::run_input(data);
}

/// ACL SETUSER, `user` lines of the settings, and files of users either accept all rules, or refuse
/// them and change nothing. What ACL LIST prints of a user defines the same user again.
///
/// A line of `data` changes a user, or is a line of a file; see `fuzz/acl.rs`.
pub fn acl(data: &[u8]) {
    acl::run_input(data);
}

/// What `cjson`, `cmsgpack` and `struct` read is what they read again after they have written it, or they
/// fail with a text. Neither takes more memory than scripts may use.
///
/// The first line of `data` is a format of `struct`, the rest is read.
#[cfg(feature = "scripts")]
pub fn libraries(data: &[u8]) {
    libraries::run_input(data);
}

/// Requests over HTTP find one route, however their path is written, and are let in only if they may
/// come from where they come. Bodies are read as commands exactly where a plain reader of JSON finds
/// some. Replies become whole JSON, and messages whole events, whatever is in them.
///
/// `data` is a request: a method and a target, headers, an empty line, and a body, which is taken for
/// replies as well; see `fuzz/http.rs`.
#[cfg(feature = "http")]
pub fn http(data: &[u8]) {
    http::run_input(data);
}

/// Three connections send anything to a server. They receive whole frames, and one reply for each
/// command where the number is predictable. Another client is served meanwhile. Once the
/// connections are closed, nothing is left of them.
///
/// A line of `data` is the number of a connection, a letter that says how to send, and a command;
/// see `fuzz/session.rs`.
pub fn session(data: &[u8]) {
    session::run_input(data);
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
            // Printed if the test fails.
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

    #[cfg(feature = "scripts")]
    #[test]
    fn libraries() {
        replay("libraries", super::libraries);
    }

    #[cfg(feature = "http")]
    #[test]
    fn http() {
        replay("http", super::http);
    }

    #[cfg(feature = "http")]
    proptest::proptest! {
        #[test]
        fn http_of_anything(data: Vec<u8>, head: String, body: String) {
            super::http(&data);
            super::http(format!("{head}\n\n{body}").as_bytes());
        }

        #[test]
        fn http_of_requests(
            head in "(GET|POST|HEAD|PUT) /(publish|subscribe|psubscribe|health|pipeline)?/?[ -~]{0,20}(\\?[ -~]{0,20})?\n(Host: (localhost|127.0.0.1|evil.example|[ -~]{0,9})(:8080)?\n)?(Origin: (null|https?://(localhost|app.example|[ -~]{0,9})(:8080)?)\n)?(Sec-Fetch-Site: (none|cross-site|same-origin)\n)?",
            json in "\\[(\\[(\"[a-zA-Z\\\\n ]{0,9}\"|-?[0-9]{1,20}(\\.[0-9]{1,5})?(e[0-9]{1,3})?|true|null)?(,(\"[^\"]{0,9}\"|[0-9]))*\\],?)*\\]",
            resp in "((\\*[0-5]|\\$[0-9]|:-?[0-9]{1,9}|[+-][ -~]{0,9}|\\*3\r\n\\$7\r\nmessage\r\n\\$1\r\nc\r\n\\$3\r\n(a\nb|\r\n\r|abc)|\\*4\r\n\\$8\r\npmessage\r\n\\$1\r\n\n\r\n\\$1\r\n\r\r\n\\$0\r\n|[a-z\r\n]{0,9})\r\n)*",
        ) {
            super::http(format!("{head}\n{json}").as_bytes());
            super::http(format!("{head}\n{resp}").as_bytes());
        }
    }

    #[test]
    fn session() {
        replay("session", super::session);
    }
}
