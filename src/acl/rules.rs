//! The syntax of rules beyond a single rule: why a rule is refused, and how a selector that was
//! given as several words is put together.
//!
//! Layer `acl`. It uses nothing else.

/// Why a rule was refused, in Redis's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuleError {
    /// `+` or `-` with an unknown name.
    #[error("Unknown command or category name in ACL")]
    UnknownName,
    /// Not a rule, or a pattern with blanks in it.
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
    /// `<x` or `!x` with a password that the user does not have.
    #[error("The password you are trying to remove from the user does not exist")]
    NoSuchPassword,
    /// `#x` or `!x` with something that is not a hash.
    #[error(
        "The password hash must be exactly 64 characters and contain only lowercase hexadecimal \
         characters"
    )]
    BadHash,
    /// `+config|get|x`.
    #[error("Allowing first-arg of a subcommand is not supported")]
    FirstArgOfSubcommand,
}

/// The index of a word with an opening parenthesis that is never closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unmatched(pub usize);

/// Joins the words of each selector in parentheses: `(+get`, `~x)`.
pub(crate) fn merge_selectors<W: AsRef<[u8]>>(words: &[W]) -> Result<Vec<Vec<u8>>, Unmatched> {
    let mut merged: Vec<Vec<u8>> = Vec::with_capacity(words.len());
    let mut open = None;
    for (index, word) in words.iter().map(AsRef::as_ref).enumerate() {
        let closes = word.ends_with(b")");
        if word.starts_with(b"(") && !closes {
            // As in Redis, this discards a selector that is still open.
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

/// Whether a name or pattern contains white space or a NUL, which would break the lines of the
/// file.
pub(crate) fn has_blanks(text: &[u8]) -> bool {
    text.iter()
        .any(|&byte| byte.is_ascii_whitespace() || byte == 0x0b || byte == 0)
}

/// A rule as an error text outside of a reply shows it, without what may be a password.
pub(crate) fn without_secret(rule: &[u8]) -> String {
    match rule {
        [sign @ (b'<' | b'>' | b'#' | b'!'), ..] => format!("{}(hidden)", char::from(*sign)),
        rule => String::from_utf8_lossy(rule).escape_debug().to_string(),
    }
}
