//! The users that the settings define: the default user with `requirepass`, and those of `user`
//! lines.
//!
//! Layer `acl`. It may use `config` and what lies below. It runs once, when the server starts.

use bytes::Bytes;
use thiserror::Error;

use super::rules::{Unmatched, has_blanks, merge_selectors, without_secret};
use super::user::{DEFAULT_USER, PasswordHash, User};
use crate::config::{Config, Password};

/// A `user` line of the settings that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}Error in user declaration '{word}': {problem}", prefix(.origin))]
#[non_exhaustive]
pub struct BadLine {
    /// Where the line was given (`my.conf:3`); empty if it came through the embedding API.
    pub origin: String,
    /// The word that is wrong. What may be a password is left out.
    pub word: String,
    /// What is wrong with it.
    pub problem: String,
}

fn prefix(origin: &str) -> String {
    if origin.is_empty() {
        String::new()
    } else {
        format!("{origin}: ")
    }
}

/// The hash that a client's password is compared with; `None` if no password is set.
pub(crate) fn hash(password: &Password) -> Option<PasswordHash> {
    (!password.is_empty()).then(|| PasswordHash::of(password.as_bytes()))
}

/// The users that the settings define: the default user, with `requirepass` or as its `user` line
/// says, and the users of the other lines.
///
/// # Errors
/// The first line that is wrong.
pub(crate) fn configured(config: &Config) -> Result<Vec<User>, BadLine> {
    let (users, wrong) = read_lines(config);
    match wrong.into_iter().next() {
        Some(line) => Err(line),
        None => Ok(users),
    }
}

/// All `user` lines of the settings that are wrong.
#[cfg(feature = "cli")]
pub(crate) fn wrong_lines(config: &Config) -> Vec<BadLine> {
    read_lines(config).1
}

fn read_lines(config: &Config) -> (Vec<User>, Vec<BadLine>) {
    let all_channels = config.acl_pubsub_default.is_all();
    let mut default = User::unrestricted_default();
    default.set_password(hash(&config.requirepass));
    let mut users = vec![default];
    let mut wrong = Vec::new();
    let mut named: Vec<&[u8]> = Vec::new();
    for line in config.users.lines() {
        let refuse = |(word, problem): (&[u8], String)| BadLine {
            origin: line.origin.clone(),
            word: without_secret(word),
            problem,
        };
        let user = match user_of(&line.words, &named, all_channels) {
            Ok(user) => user,
            Err(error) => {
                wrong.push(refuse(error));
                continue;
            }
        };
        if !user.is_enabled() {
            tracing::info!(
                user = %String::from_utf8_lossy(&user.name),
                "the user is disabled: there is no 'on' in its rules"
            );
        }
        named.extend(line.words.first().map(Vec::as_slice));
        users.retain(|other| other.name != user.name);
        users.push(user);
    }
    debug_assert!(users.iter().any(|user| user.name == DEFAULT_USER));
    (users, wrong)
}

/// The user that a line defines. `named` are the users of the lines before it. The error is the
/// wrong word and the reason.
fn user_of<'a>(
    words: &'a [Vec<u8>],
    named: &[&[u8]],
    all_channels: bool,
) -> Result<User, (&'a [u8], String)> {
    let Some((name, rules)) = words.split_first() else {
        return Err((b"", "a user has a name".to_owned()));
    };
    let name = name.as_slice();
    if name.is_empty() || has_blanks(name) {
        return Err((name, "Spaces not allowed in ACL usernames".to_owned()));
    }
    if named.contains(&name) {
        let text = "Duplicate user found. A user can only be defined once in config files";
        return Err((name, text.to_owned()));
    }
    let merged = merge_selectors(rules).map_err(|Unmatched(index)| {
        let text = "Unmatched parenthesis in selector definition";
        (rules[index].as_slice(), text.to_owned())
    })?;
    let mut user = User::new(Bytes::copy_from_slice(name), all_channels);
    for rule in &merged {
        if let Err(error) = user.apply(rule, all_channels) {
            // A selector of several words is shown as the word that opens it.
            let shown = rules.iter().find(|word| rule.starts_with(word));
            return Err((shown.map_or(name, Vec::as_slice), error.to_string()));
        }
    }
    Ok(user)
}
