//! The rules language around the single rule: why a rule is refused, and how rules that belong
//! together are put together.

/// Why a rule was refused, in Redis's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuleError {
    /// `+` or `-` with a name that is none.
    #[error("Unknown command or category name in ACL")]
    UnknownName,
    /// No rule at all, or a pattern with blanks in it.
    #[error("Syntax error")]
    Syntax,
    /// `~x` after `~*`.
    #[error(
        "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not \
         have any effect. Try 'resetkeys' to start with an empty list of patterns"
    )]
    AfterAllKeys,
    /// `&x` after `&*`.
    #[error(
        "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does \
         not have any effect. Try 'resetchannels' to start with an empty list of channels"
    )]
    AfterAllChannels,
    /// `<x` or `!x`, and the user has no such password.
    #[error("The password you are trying to remove from the user does not exist")]
    NoSuchPassword,
    /// `#x` or `!x` with something else than a hash.
    #[error(
        "The password hash must be exactly 64 characters and contain only lowercase hexadecimal \
         characters"
    )]
    BadHash,
    /// `+config|get|x`.
    #[error("Allowing first-arg of a subcommand is not supported")]
    FirstArgOfSubcommand,
}

/// A selector's opening parenthesis that nothing closes: the words' index of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unmatched(pub usize);

/// Puts selectors together that were given as several words: `(+get`, `~x)`.
pub(crate) fn merge_selectors<W: AsRef<[u8]>>(words: &[W]) -> Result<Vec<Vec<u8>>, Unmatched> {
    let mut merged: Vec<Vec<u8>> = Vec::with_capacity(words.len());
    let mut open = None;
    for (index, word) in words.iter().map(AsRef::as_ref).enumerate() {
        let closes = word.ends_with(b")");
        if word.starts_with(b"(") && !closes {
            // As in Redis, one that is still open is forgotten.
            open = Some((index, word.to_vec()));
        } else if let Some((_, selector)) = &mut open {
            selector.push(b' ');
            selector.extend_from_slice(word);
            if closes {
                merged.extend(open.take().map(|(_, selector)| selector));
            }
        } else {
            merged.push(word.to_vec());
        }
    }
    match open {
        None => Ok(merged),
        Some((index, _)) => Err(Unmatched(index)),
    }
}

/// Whether a name or pattern has white space or a NUL in it, which would tear the file's lines apart.
pub(crate) fn has_blanks(text: &[u8]) -> bool {
    text.iter()
        .any(|&byte| byte.is_ascii_whitespace() || byte == 0x0b || byte == 0)
}

/// A rule as an error text shows it outside of a reply: what may be a password is left out.
pub(crate) fn without_secret(rule: &[u8]) -> String {
    match rule {
        [sign @ (b'<' | b'>' | b'#' | b'!'), ..] => format!("{}(hidden)", char::from(*sign)),
        rule => String::from_utf8_lossy(rule).escape_debug().to_string(),
    }
}
