//! The syntax of a command, as COMMAND DOCS describes it and redis-cli hints at it.
//!
//! Layer `catalog`. Plain values.

/// One element of a command's syntax.
#[derive(Debug)]
pub(crate) struct Arg {
    /// Unique among its siblings, unless Redis itself repeats a name.
    pub name: &'static str,
    /// The kind of argument.
    pub kind: ArgKind,
    /// For a key, or a pattern that makes keys: the index of the command's key specification.
    pub key_spec: Option<u8>,
    /// The keyword before the value. For a [`ArgKind::PureToken`], the keyword itself.
    pub token: Option<&'static str>,
    /// The Redis version that introduced it, if later than the command.
    pub since: Option<&'static str>,
    /// The Redis version that deprecated it.
    pub deprecated_since: Option<&'static str>,
    /// May be left out.
    pub optional: bool,
    /// May be repeated.
    pub multiple: bool,
    /// If repeated, its token is repeated, too. Without this, `multiple` repeats only the value.
    pub multiple_token: bool,
    /// The alternatives of a [`ArgKind::OneOf`], or the parts of a [`ArgKind::Block`].
    pub arguments: &'static [Arg],
}

/// The kind of an argument.
// Redis documents them: https://redis.io/docs/latest/develop/reference/command-arguments/
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum ArgKind {
    String,
    Integer,
    Double,
    Key,
    Pattern,
    UnixTime,
    PureToken,
    OneOf,
    Block,
}

impl ArgKind {
    /// The name that COMMAND DOCS shows.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            ArgKind::String => "string",
            ArgKind::Integer => "integer",
            ArgKind::Double => "double",
            ArgKind::Key => "key",
            ArgKind::Pattern => "pattern",
            ArgKind::UnixTime => "unix-time",
            ArgKind::PureToken => "pure-token",
            ArgKind::OneOf => "oneof",
            ArgKind::Block => "block",
        }
    }
}

impl Arg {
    const fn new(name: &'static str, kind: ArgKind) -> Arg {
        Arg {
            name,
            kind,
            key_spec: None,
            token: None,
            since: None,
            deprecated_since: None,
            optional: false,
            multiple: false,
            multiple_token: false,
            arguments: &[],
        }
    }

    /// Any bytes.
    pub(crate) const fn string(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::String)
    }

    /// An integer.
    pub(crate) const fn integer(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::Integer)
    }

    /// A floating-point number.
    pub(crate) const fn double(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::Double)
    }

    /// A key, found by the key specification with this index.
    pub(crate) const fn key(name: &'static str, key_spec: u8) -> Arg {
        Arg::new(name, ArgKind::Key).key_spec(key_spec)
    }

    /// A glob-style pattern.
    pub(crate) const fn pattern(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::Pattern)
    }

    /// A point in time, in seconds or milliseconds since 1970.
    pub(crate) const fn unix_time(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::UnixTime)
    }

    /// A keyword without a value.
    pub(crate) const fn pure_token(name: &'static str, token: &'static str) -> Arg {
        Arg::new(name, ArgKind::PureToken).token(token)
    }

    /// One of the alternatives.
    pub(crate) const fn one_of(name: &'static str, alternatives: &'static [Arg]) -> Arg {
        let mut arg = Arg::new(name, ArgKind::OneOf);
        arg.arguments = alternatives;
        arg
    }

    /// Several arguments that belong together.
    pub(crate) const fn block(name: &'static str, parts: &'static [Arg]) -> Arg {
        let mut arg = Arg::new(name, ArgKind::Block);
        arg.arguments = parts;
        arg
    }

    /// Sets [`key_spec`](Self::key_spec).
    pub(crate) const fn key_spec(mut self, index: u8) -> Arg {
        self.key_spec = Some(index);
        self
    }

    /// Sets [`token`](Self::token).
    pub(crate) const fn token(mut self, token: &'static str) -> Arg {
        self.token = Some(token);
        self
    }

    /// Sets [`since`](Self::since).
    pub(crate) const fn since(mut self, version: &'static str) -> Arg {
        self.since = Some(version);
        self
    }

    /// Sets [`deprecated_since`](Self::deprecated_since).
    pub(crate) const fn deprecated_since(mut self, version: &'static str) -> Arg {
        self.deprecated_since = Some(version);
        self
    }

    /// Sets [`optional`](Self::optional).
    pub(crate) const fn optional(mut self) -> Arg {
        self.optional = true;
        self
    }

    /// Sets [`multiple`](Self::multiple).
    pub(crate) const fn multiple(mut self) -> Arg {
        self.multiple = true;
        self
    }

    /// Sets [`multiple`](Self::multiple) and [`multiple_token`](Self::multiple_token).
    pub(crate) const fn multiple_token(mut self) -> Arg {
        self.multiple = true;
        self.multiple_token = true;
        self
    }
}
