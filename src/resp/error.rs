//! The errors that a client is shown. Each is a typed value that carries Redis's exact text.
//!
//! Layer `resp`, the lowest. It uses no other layer.
//!
//! A [`CommandError`] answers one command, and the connection stays open. A
//! [`ProtocolError`](super::request::ProtocolError) answers bytes that are not a request, and the
//! connection is closed after it.

use std::borrow::Cow;

/// Why a command failed. The texts are Redis's, without the leading `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommandError {
    /// A fixed text, with its error code (`ERR syntax error`).
    Text(Cow<'static, str>),
    /// No such command.
    UnknownCommand {
        /// The name as the client sent it. At most 128 bytes of it are shown.
        name: Vec<u8>,
        /// The arguments, quoted; at most 128 bytes in all.
        args: Vec<u8>,
    },
    /// No such subcommand of `command`.
    UnknownSubcommand {
        /// The subcommand as the client sent it.
        given: Vec<u8>,
        /// The name of the container command, in lower case.
        command: &'static str,
    },
    /// Wrong number of arguments for the command of this full name (`client|kill`).
    Arity(String),
    /// A text that quotes bytes of the request.
    Quoting {
        /// The text before the quoted bytes.
        before: &'static str,
        /// The quoted bytes.
        quoted: Vec<u8>,
        /// The text after them.
        after: Cow<'static, str>,
    },
}

impl CommandError {
    /// `ERR syntax error`
    pub(crate) const SYNTAX: CommandError = CommandError::text("ERR syntax error");
    /// An argument is not an integer.
    pub(crate) const NOT_AN_INTEGER: CommandError =
        CommandError::text("ERR value is not an integer or out of range");

    /// The key holds a value of another type than the command works on.
    pub(crate) const WRONG_TYPE: CommandError =
        CommandError::text("WRONGTYPE Operation against a key holding the wrong kind of value");
    /// A key that the command needs does not exist.
    pub(crate) const NO_SUCH_KEY: CommandError = CommandError::text("ERR no such key");
    /// A command that may need memory was sent while `maxmemory` is exceeded.
    pub(crate) const OUT_OF_MEMORY: CommandError =
        CommandError::text("OOM command not allowed when used memory > 'maxmemory'.");
    /// A command needs memory that the system does not have; not a text of Redis, which ends then.
    pub(crate) const NO_MEMORY: CommandError =
        CommandError::text("OOM the system has no memory for this command");
    /// A command that needs keys was sent to a server without queue mode.
    pub(crate) const QUEUE_IS_OFF: CommandError = CommandError::text(
        "ERR this server runs without queue mode (queue no): it has no keys, only pub/sub",
    );

    /// An error with a fixed text.
    pub(crate) const fn text(text: &'static str) -> CommandError {
        CommandError::Text(Cow::Borrowed(text))
    }

    /// The text as it is sent, without the leading `-` and the line break.
    pub(crate) fn wire_text(&self) -> Vec<u8> {
        match self {
            CommandError::Text(text) => text.as_bytes().to_vec(),
            CommandError::UnknownCommand { name, args } => {
                let name = &name[..name.len().min(128)];
                [
                    b"ERR unknown command '".as_slice(),
                    name,
                    b"', with args beginning with: ",
                    args,
                ]
                .concat()
            }
            CommandError::UnknownSubcommand { given, command } => {
                let given = &given[..given.len().min(128)];
                let container = command.to_ascii_uppercase();
                let help = format!("'. Try {container} HELP.");
                [
                    b"ERR unknown subcommand '".as_slice(),
                    given,
                    help.as_bytes(),
                ]
                .concat()
            }
            CommandError::Arity(command) => {
                format!("ERR wrong number of arguments for '{command}' command").into_bytes()
            }
            CommandError::Quoting {
                before,
                quoted,
                after,
            } => [before.as_bytes(), quoted, after.as_bytes()].concat(),
        }
    }

    /// The error's code, its text's first word, under which INFO counts it (`ERR`, `NOAUTH`). As in
    /// Redis, a text of a single word has none, and counts as `ERR`; so does what a client made up
    /// that is no code.
    pub(crate) fn code(&self) -> &str {
        /// Bytes of a code.
        const LONGEST: usize = 32;
        let text = match self {
            CommandError::Text(text) => text.as_bytes(),
            CommandError::Quoting {
                before: "", quoted, ..
            } => quoted,
            CommandError::Quoting { before, .. } => before.as_bytes(),
            _ => b"ERR ",
        };
        let end = text.iter().take(LONGEST + 1).position(|&byte| byte == b' ');
        let word = end.map(|end| &text[..end]).unwrap_or_default();
        let is_code = !word.is_empty() && word.iter().all(u8::is_ascii_alphanumeric);
        let code = str::from_utf8(word).ok().filter(|_| is_code);
        code.unwrap_or("ERR")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_counts_under_the_code_that_the_client_gets() {
        let quoting = |before, quoted: &str| CommandError::Quoting {
            before,
            quoted: quoted.into(),
            after: " z".into(),
        };
        let long = "X".repeat(33);
        let cases = [
            (CommandError::WRONG_TYPE, "WRONGTYPE"),
            (CommandError::text("single"), "ERR"),
            (quoting("EXECABORT because of: ", "OOM x"), "EXECABORT"),
            (quoting("", "MINE of a client"), "MINE"),
            (quoting("", "ERR of a setting"), "ERR"),
            (quoting("", "single"), "ERR"),
            (quoting("", "no\ncode x"), "ERR"),
            (quoting("", &format!("{long} x")), "ERR"),
            (CommandError::Arity("get".into()), "ERR"),
        ];
        for (error, code) in cases {
            assert_eq!(error.code(), code, "{error:?}");
        }
    }
}
