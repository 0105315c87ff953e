//! The file of users (`aclfile`), which ACL LOAD reads again and ACL SAVE writes.
//!
//! Layer `acl`. A file has a user on each line, as ACL LIST shows it. Empty lines, and comments, which begin
//! with `#`, are passed over; ACL SAVE writes the users only. All of a file is right, or nothing of it is
//! taken.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::rules::{RuleError, has_blanks, merge_selectors};
use super::user::{DEFAULT_USER, User};

/// What is wrong with a file, on one line, in Redis's words. Bytes, as it quotes rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", String::from_utf8_lossy(.0))]
#[non_exhaustive]
pub struct FileErrors(pub Vec<u8>);

/// Reads the users of a file, the default user among them whether the file has it or not.
pub(crate) fn load(path: &Path, all_channels: bool) -> Result<Vec<User>, FileErrors> {
    let content = fs::read(path).map_err(|error| {
        // Redis shows the system's words without their number.
        let system = error.to_string();
        let system = system.split(" (os error").next().unwrap_or_default();
        let path = path.display();
        FileErrors(format!("Error loading ACLs, opening file '{path}': {system}").into())
    })?;
    parse(&path.to_string_lossy(), &content, all_channels)
}

/// Reads the users of a file's content; `shown` is the file's name.
pub(crate) fn parse(
    shown: &str,
    content: &[u8],
    all_channels: bool,
) -> Result<Vec<User>, FileErrors> {
    let mut users: Vec<User> = Vec::new();
    let mut errors = Vec::new();
    for (line, number) in content.split(|&byte| byte == b'\n').zip(1..) {
        let line = trim(line, b" \t\r\n");
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        let mut refuse = |text: &[&[u8]]| errors.extend(text.concat());
        let place = format!("{shown}:{number}");
        let [b"user", name, rules @ ..] = words.as_slice() else {
            let text = b" should start with user keyword followed by the username. ";
            refuse(&[place.as_bytes(), text]);
            continue;
        };
        if has_blanks(name) {
            let text: &[u8] = b"' contains invalid characters. ";
            refuse(&[b"'", place.as_bytes(), b": username '", name, text]);
            continue;
        }
        if users.iter().any(|user| user.name == *name) {
            let text = format!("' found on line {number}. ");
            refuse(&[b"WARNING: Duplicate user '", name, text.as_bytes()]);
            continue;
        }
        let mut user = User::new(Bytes::copy_from_slice(name), all_channels);
        match merge_selectors(rules) {
            Ok(rules) => apply(&mut user, &place, &rules, all_channels, &mut errors),
            Err(_) => {
                let text = b": Unmatched parenthesis in selector definition.";
                refuse(&[place.as_bytes(), text]);
            }
        }
        users.push(user);
    }
    if !errors.is_empty() {
        errors.extend_from_slice(
            b"WARNING: ACL errors detected, no change to the previously active ACL rules was \
              performed",
        );
        return Err(FileErrors(errors));
    }
    if !users.iter().any(|user| user.name == DEFAULT_USER) {
        users.push(User::unrestricted_default());
    }
    Ok(users)
}

/// Applies a line's rules. Of errors that may show a password, or follow from others, only the first
/// is told, and not the rule.
fn apply(
    user: &mut User,
    place: &str,
    rules: &[Vec<u8>],
    all_channels: bool,
    errors: &mut Vec<u8>,
) {
    let mut told = false;
    for rule in rules {
        let rule = trim(rule, b"\t\r\n");
        match user.apply(rule, all_channels) {
            Ok(()) => {}
            Err(error @ RuleError::UnknownName) => {
                errors.extend(format!("{place}: Error in applying operation '").bytes());
                errors.extend_from_slice(rule);
                errors.extend(format!("': {error}. ").bytes());
            }
            Err(error) if !told => {
                told = true;
                errors.extend(format!("{place}: {error}. ").bytes());
            }
            Err(_) => {}
        }
    }
}

fn trim<'a>(mut text: &'a [u8], away: &[u8]) -> &'a [u8] {
    while let [first, rest @ ..] = text
        && away.contains(first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && away.contains(last)
    {
        text = rest;
    }
    text
}

/// Writes users to a file: all of them, or the file stays as it was, whatever happens meanwhile. Its
/// permissions stay, and its owner where that is allowed; a new one is its owner's only, as it has
/// passwords' hashes in it. A symbolic link stays one, and the file that it leads to is written.
///
/// # Errors
/// The file, or a new one beside it, cannot be written. As a new file takes the place of the old one, the
/// old one's permissions would not matter to the system; they do here.
pub(crate) fn save<'a>(path: &Path, users: impl Iterator<Item = &'a User>) -> io::Result<()> {
    let mut content = Vec::new();
    for user in users {
        content.extend(user.describe());
        content.push(b'\n');
    }
    let path = &follow_links(path)?;
    let old = match fs::metadata(path) {
        Ok(old) if !old.is_file() => {
            return Err(io::Error::other("it is not a regular file"));
        }
        Ok(old) => {
            OpenOptions::new().write(true).open(path)?;
            Some(old)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let random = u64::from_ne_bytes(random);
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".tmp-{}-{random:016x}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let written = replace(path, old.as_ref(), &temporary, &content);
    if written.is_err() {
        // It may not even be there.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The file that a path leads to over symbolic links, whether it is there or not.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&path) else {
            return Ok(path);
        };
        // A target that begins with `/` takes the place of the whole path.
        path.pop();
        path.push(target);
    }
    Err(io::Error::other("too many symbolic links"))
}

fn replace(
    path: &Path,
    old: Option<&Metadata>,
    temporary: &Path,
    content: &[u8],
) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)?;
    if let Some(old) = old {
        let new = file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // Only root may give a file away. Who else may write it becomes its owner.
            let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
        }
        file.set_permissions(old.permissions())?;
    }
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    // The new name is on disk once its directory is.
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
