//! Settings from the environment: `FANFARE_` and a setting's name in capitals.
//!
//! Layer `config`. It may use `resp` and the other lowest layers.
//!
//! A variable that belongs to no setting is an error, because a typing error in
//! `FANFARE_REQUIREPASS` would leave the server without a password. Variables that Kubernetes sets
//! for a service whose name begins with `fanfare` are ignored.

use std::ffi::OsString;

use super::args::{Problem, Reader, closest};
use super::{SETTINGS, USER};

const PREFIX: &str = "FANFARE_";

/// Applies the variables that begin with the prefix. Each line of `FANFARE_USER` defines a user.
pub(super) fn read(reader: &mut Reader, variables: impl IntoIterator<Item = (OsString, OsString)>) {
    let mut ours: Vec<(String, Vec<u8>)> = variables
        .into_iter()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.into_encoded_bytes(),
            )
        })
        .filter(|(name, value)| name.starts_with(PREFIX) && !is_kubernetes_service(name, value))
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
            // Compared without the prefix, which would make all names similar.
            let known = SETTINGS.iter().map(|setting| setting.name).chain([USER]);
            let known = known.map(|name| variable(name)[PREFIX.len()..].to_owned());
            let closest =
                closest(&name[PREFIX.len()..], known).map(|name| PREFIX.to_owned() + &name);
            reader.refuse(&origin, Problem::UnknownVariable { closest });
        }
    }
}

/// The variable for a setting's name.
pub(super) fn variable(name: &str) -> String {
    PREFIX.to_owned() + &name.to_ascii_uppercase().replace('-', "_")
}

/// Whether Kubernetes would set this variable for a service: `X_SERVICE_HOST`, `X_SERVICE_PORT`,
/// `X_SERVICE_PORT_NAME`, `X_PORT=tcp://…`, `X_PORT_6379_TCP` and `X_PORT_6379_TCP_ADDR`, where X is
/// the service's name.
fn is_kubernetes_service(name: &str, value: &[u8]) -> bool {
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
