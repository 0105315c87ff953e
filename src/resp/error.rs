//! The errors that a client is shown, each a typed value that carries Redis's exact text.
//!
//! A [`CommandError`] answers one command; the connection goes on. A
//! [`ProtocolError`](super::request::ProtocolError) answers bytes that are no request; the
//! connection closes after it.

use std::borrow::Cow;

/// Why a command was not carried out. Texts are those of Redis, without the leading `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommandError {
    /// A fixed text, with its error code (`ERR syntax error`).
    Text(Cow<'static, str>),
    /// No such command: its name and arguments, as they came.
    UnknownCommand {
        /// The name, at most 128 bytes of it are shown.
        name: Vec<u8>,
        /// The arguments, quoted, at most 128 bytes in all.
        args: Vec<u8>,
    },
    /// No such subcommand of `command`.
    UnknownSubcommand {
        /// The subcommand as it came.
        given: Vec<u8>,
        /// The container's name, lower case.
        command: &'static str,
    },
    /// Wrong number of arguments for the command of this full name (`client|kill`).
    Arity(String),
    /// A text that quotes bytes of the request.
    Quoting {
        /// Up to the quoted bytes.
        before: &'static str,
        /// The bytes.
        quoted: Vec<u8>,
        /// After them.
        after: Cow<'static, str>,
    },
}

impl CommandError {
    /// `ERR syntax error`
    pub(crate) const SYNTAX: CommandError = CommandError::text("ERR syntax error");
    /// A value that should be a number is not.
    pub(crate) const NOT_AN_INTEGER: CommandError =
        CommandError::text("ERR value is not an integer or out of range");

    /// A key holds another type than the command works on.
    pub(crate) const WRONG_TYPE: CommandError =
        CommandError::text("WRONGTYPE Operation against a key holding the wrong kind of value");
    /// A key that must be there is not.
    pub(crate) const NO_SUCH_KEY: CommandError = CommandError::text("ERR no such key");
    /// A command that may need memory when there is none left (`maxmemory`).
    pub(crate) const OUT_OF_MEMORY: CommandError =
        CommandError::text("OOM command not allowed when used memory > 'maxmemory'.");
    /// A command needs memory that the system does not have; not a text of Redis, which ends then.
    pub(crate) const NO_MEMORY: CommandError =
        CommandError::text("OOM the system has no memory for this command");
    /// A command of the queue mode where that is off.
    pub(crate) const QUEUE_IS_OFF: CommandError = CommandError::text(
        "ERR this server runs without queue mode (queue no): it has no keys, only pub/sub",
    );

    /// An error of this fixed text.
    pub(crate) const fn text(text: &'static str) -> CommandError {
        CommandError::Text(Cow::Borrowed(text))
    }

    /// The text as it goes over the wire, without the leading `-` and the line break.
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

    /// The error's code, its text's first word, under which INFO counts it (`ERR`, `NOAUTH`).
    pub(crate) fn code(&self) -> &str {
        match self {
            CommandError::Text(text) => text.split(' ').next().unwrap_or("ERR"),
            _ => "ERR",
        }
    }
}
