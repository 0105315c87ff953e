//! Reads and writes the file of users (`aclfile`), for ACL LOAD and ACL SAVE.
//!
//! Layer `acl`. It may use `resp` and what else lies below.
//!
//! Each line of the file is a user, as ACL LIST shows it. Empty lines and comments, which begin
//! with `#`, are skipped. ACL SAVE writes only the users. A file with an error is refused as a
//! whole.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::rules::{RuleError, has_blanks, merge_selectors};
use super::user::{DEFAULT_USER, User};

/// The errors in a file, on one line, in Redis's words. They are bytes because they quote rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", String::from_utf8_lossy(.0))]
#[non_exhaustive]
pub struct FileErrors(pub Vec<u8>);

/// Reads the users of a file. The default user is always among them, even if the file lacks it.
pub(crate) fn load(path: &Path, all_channels: bool) -> Result<Vec<User>, FileErrors> {
    let content = fs::read(path).map_err(|error| {
        // Redis shows the system's error text without its number.
        let system = error.to_string();
        let system = system.split(" (os error").next().unwrap_or_default();
        let path = path.display();
        FileErrors(format!("Error loading ACLs, opening file '{path}': {system}").into())
    })?;
    parse(&path.to_string_lossy(), &content, all_channels)
}

/// Parses the users of a file's content. `shown` is the file's name, for error texts.
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
        let origin = format!("{shown}:{number}");
        let [b"user", name, rules @ ..] = words.as_slice() else {
            let text = b" should start with user keyword followed by the username. ";
            refuse(&[origin.as_bytes(), text]);
            continue;
        };
        if has_blanks(name) {
            let text: &[u8] = b"' contains invalid characters. ";
            refuse(&[b"'", origin.as_bytes(), b": username '", name, text]);
            continue;
        }
        if users.iter().any(|user| user.name == *name) {
            let text = format!("' found on line {number}. ");
            refuse(&[b"WARNING: Duplicate user '", name, text.as_bytes()]);
            continue;
        }
        let mut user = User::new(Bytes::copy_from_slice(name), all_channels);
        match merge_selectors(rules) {
            Ok(rules) => apply(&mut user, &origin, &rules, all_channels, &mut errors),
            Err(_) => {
                let text = b": Unmatched parenthesis in selector definition.";
                refuse(&[origin.as_bytes(), text]);
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

/// Applies a line's rules. Unknown names are all reported, with their rules. Of the other errors only
/// the first is reported, and without its rule: the rule may be a password, and later errors may
/// follow from the first.
fn apply(
    user: &mut User,
    origin: &str,
    rules: &[Vec<u8>],
    all_channels: bool,
    errors: &mut Vec<u8>,
) {
    let mut reported = false;
    for rule in rules {
        let rule = trim(rule, b"\t\r\n");
        match user.apply(rule, all_channels) {
            Ok(()) => {}
            Err(error @ RuleError::UnknownName) => {
                errors.extend(format!("{origin}: Error in applying operation '").bytes());
                errors.extend_from_slice(rule);
                errors.extend(format!("': {error}. ").bytes());
            }
            Err(error) if !reported => {
                reported = true;
                errors.extend(format!("{origin}: {error}. ").bytes());
            }
            Err(_) => {}
        }
    }
}

fn trim<'a>(mut text: &'a [u8], blanks: &[u8]) -> &'a [u8] {
    while let [first, rest @ ..] = text
        && blanks.contains(first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && blanks.contains(last)
    {
        text = rest;
    }
    text
}

/// Writes all users to a file. If that fails at any point, the old file stays as it was.
///
/// The file keeps its permissions, and its owner where the process may set it. Only its owner can
/// read a new file, since it contains the hashes of passwords. A symbolic link stays a link, and
/// the file that it points to is written.
///
/// # Errors
/// The file cannot be written, or no new file can be created beside it. The old file must be
/// writable even though a new one replaces it, so that its permissions count.
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
        // The temporary file may not exist.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The path of the file that a path points to over symbolic links. The file need not exist.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    /// Linux's own limit.
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&path) else {
            return Ok(path);
        };
        // A target that begins with `/` replaces the whole path.
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
            // Only root may give a file away. Any other process that may write the file becomes its
            // owner.
            let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
        }
        file.set_permissions(old.permissions())?;
    }
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    // The new name is on disk only after its directory is synced.
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
