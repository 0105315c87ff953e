//! The filters of CLIENT LIST and CLIENT KILL.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::sync::Arc;

use super::{Args, Context};
use crate::acl::Acl;
use crate::client::{Client, ClientId};
use crate::resp::error::CommandError;
use crate::resp::request::parse_integer;

/// A client's type. fanfare has no masters and replicas, so a filter for them matches no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientType {
    Normal,
    PubSub,
    Master,
    Replica,
}

impl ClientType {
    fn parse(word: &[u8]) -> Result<ClientType, CommandError> {
        match word.to_ascii_lowercase().as_slice() {
            b"normal" => Ok(ClientType::Normal),
            b"pubsub" => Ok(ClientType::PubSub),
            b"master" => Ok(ClientType::Master),
            b"replica" | b"slave" => Ok(ClientType::Replica),
            _ => Err(CommandError::Quoting {
                before: "ERR Unknown client type '",
                quoted: word.to_vec(),
                after: "'".into(),
            }),
        }
    }

    fn of(client: &Client) -> ClientType {
        if client.is_subscriber() {
            ClientType::PubSub
        } else {
            ClientType::Normal
        }
    }
}

/// The clients that CLIENT LIST selects.
pub(crate) fn list(
    context: &Context<'_>,
    args: &Args<'_>,
) -> Result<Vec<Arc<Client>>, CommandError> {
    let clients = &context.server.clients;
    match (args.get(2), args.len()) {
        (None, _) => Ok(clients.all()),
        (Some(option), 4) if option.eq_ignore_ascii_case(b"type") => {
            let wanted = ClientType::parse(&args[3])?;
            let mut found = clients.all();
            found.retain(|client| ClientType::of(client) == wanted);
            Ok(found)
        }
        (Some(option), 4..) if option.eq_ignore_ascii_case(b"id") => {
            let mut found = Vec::new();
            for word in args.iter().skip(3) {
                let id = parse_integer(word).ok_or(CommandError::text("ERR Invalid client ID"))?;
                found.extend(u64::try_from(id).ok().and_then(|id| clients.get(id)));
            }
            Ok(found)
        }
        _ => Err(CommandError::SYNTAX),
    }
}

/// The filter of CLIENT KILL. A client must match every option that is given.
#[derive(Debug, Default)]
pub(crate) struct Filter<'a> {
    id: Option<ClientId>,
    kind: Option<ClientType>,
    address: Option<&'a [u8]>,
    local_address: Option<&'a [u8]>,
    min_age: Option<u64>,
    user: Option<&'a [u8]>,
    spared: Option<ClientId>,
}

impl<'a> Filter<'a> {
    /// Parses the arguments of a CLIENT KILL from the client `caller`.
    pub(crate) fn for_kill(
        args: &Args<'a>,
        caller: ClientId,
        acl: &Acl,
    ) -> Result<Filter<'a>, CommandError> {
        if args.len() == 3 {
            // The old form has only an address, and does not spare the caller.
            return Ok(Filter {
                address: args.get(2),
                ..Filter::default()
            });
        }
        let mut filter = Filter {
            spared: Some(caller),
            ..Filter::default()
        };
        let mut index = 2;
        while let Some(option) = args.get(index) {
            let value = args.get(index + 1).ok_or(CommandError::SYNTAX)?;
            filter.set(option, value, caller, acl)?;
            index += 2;
        }
        Ok(filter)
    }

    fn set(
        &mut self,
        option: &[u8],
        value: &'a [u8],
        caller: ClientId,
        acl: &Acl,
    ) -> Result<(), CommandError> {
        match option.to_ascii_lowercase().as_slice() {
            b"id" => {
                let id = parse_integer(value).filter(|id| *id > 0);
                let error = CommandError::text("ERR client-id should be greater than 0");
                self.id = Some(id.ok_or(error)? as u64);
            }
            b"type" => self.kind = Some(ClientType::parse(value)?),
            b"addr" => self.address = Some(value),
            b"laddr" => self.local_address = Some(value),
            b"user" if acl.get(value).is_some() => self.user = Some(value),
            b"user" => {
                return Err(CommandError::Quoting {
                    before: "ERR No such user '",
                    quoted: value.to_vec(),
                    after: "'".into(),
                });
            }
            b"skipme" if value.eq_ignore_ascii_case(b"yes") => self.spared = Some(caller),
            b"skipme" if value.eq_ignore_ascii_case(b"no") => self.spared = None,
            b"maxage" => {
                let age = parse_integer(value).ok_or(CommandError::text(
                    "ERR maxage is not an integer or out of range",
                ))?;
                if age <= 0 {
                    return Err(CommandError::text("ERR maxage should be greater than 0"));
                }
                self.min_age = Some(age as u64);
            }
            _ => return Err(CommandError::SYNTAX),
        }
        Ok(())
    }

    /// Whether the filter matches `client`.
    pub(crate) fn accepts(&self, client: &Client) -> bool {
        let is = |wanted: &[u8], address: String| wanted == address.as_bytes();
        self.spared != Some(client.id)
            && self.id.is_none_or(|id| id == client.id)
            && self.kind.is_none_or(|kind| kind == ClientType::of(client))
            && self.user.is_none_or(|name| client.user() == name)
            && self
                .address
                .is_none_or(|wanted| is(wanted, client.addresses.peer()))
            && self
                .local_address
                .is_none_or(|wanted| is(wanted, client.addresses.local()))
            && self.min_age.is_none_or(|age| client.age_seconds() >= age)
    }
}
