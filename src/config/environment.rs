//! Settings from the environment: `FANFARE_` and a setting's name in capitals.
//!
//! Layer `config`. A name that is no setting's is refused, since a slip in `FANFARE_REQUIREPASS` would
//! open the server. What Kubernetes sets beside a service whose name begins with `fanfare` is
//! passed over.

use std::ffi::OsString;

use super::args::{Problem, Reader, closest};
use super::{SETTINGS, USER};

const PREFIX: &str = "FANFARE_";

/// Applies the variables that are meant for fanfare. Of `FANFARE_USER` each line makes a user.
pub(super) fn read(reader: &mut Reader, variables: impl IntoIterator<Item = (OsString, OsString)>) {
    let mut ours: Vec<(String, Vec<u8>)> = variables
        .into_iter()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.into_encoded_bytes(),
            )
        })
        .filter(|(name, value)| name.starts_with(PREFIX) && !is_of_a_service(name, value))
        .collect();
    ours.sort_unstable();
    for (name, value) in ours {
        let origin = format!("environment {name}");
        if name == variable(USER) {
            let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            for line in lines.filter(|line| !line.is_empty()) {
                reader.apply(&origin, USER, &[line]);
            }
        } else if let Some(setting) = SETTINGS.iter().find(|setting| setting.env_name() == name) {
            reader.apply(&origin, setting.name, &[value]);
        } else {
            // Of the names without the prefix, which would make all of them alike.
            let known = SETTINGS.iter().map(|setting| setting.name).chain([USER]);
            let known = known.map(|name| variable(name)[PREFIX.len()..].to_owned());
            let closest =
                closest(&name[PREFIX.len()..], known).map(|name| PREFIX.to_owned() + &name);
            reader.refuse(&origin, Problem::UnknownVariable { closest });
        }
    }
}

/// The variable of a name as the file has it.
pub(super) fn variable(name: &str) -> String {
    PREFIX.to_owned() + &name.to_ascii_uppercase().replace('-', "_")
}

/// Whether Kubernetes would set this variable for a service: `X_SERVICE_HOST`, `X_SERVICE_PORT`,
/// `X_SERVICE_PORT_NAME`, `X_PORT=tcp://…`, `X_PORT_6379_TCP` and `X_PORT_6379_TCP_ADDR`, where X is
/// the service's name.
fn is_of_a_service(name: &str, value: &[u8]) -> bool {
    if name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
    {
        return true;
    }
    let protocols = ["TCP", "UDP", "SCTP"];
    if name.ends_with("_PORT") {
        let is_url = |protocol: &str| {
            let scheme = protocol.to_ascii_lowercase() + "://";
            value.starts_with(scheme.as_bytes())
        };
        if protocols.into_iter().any(is_url) {
            return true;
        }
    }
    name.match_indices("_PORT_").any(|(start, found)| {
        let mut parts = name[start + found.len()..].split('_');
        let number = parts.next().is_some_and(|part| part.parse::<u16>().is_ok());
        let protocol = parts.next().is_some_and(|part| protocols.contains(&part));
        let detail = parts
            .next()
            .is_none_or(|part| ["ADDR", "PORT", "PROTO"].contains(&part));
        number && protocol && detail && parts.next().is_none()
    })
}
