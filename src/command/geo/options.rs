//! What a search for places asks for, by the rules of the six commands that search.
//!
//! Redis looks the center up while it reads the arguments. So an unknown member is told before a wrong
//! word that follows it. Without a key there is no center, and the other words are read all the same:
//! STORE says whether the reply is a number.

use super::{Result, number, point};
use crate::command::Args;
use crate::resp::error::CommandError;
use crate::resp::request::integer_argument;
use crate::store::geo::{self, Order, Point, Search, Shape, Unit};
use crate::store::sorted_set::SortedSet;

const NO_RADIUS: CommandError = CommandError::text("ERR need numeric radius");
const NO_WIDTH: CommandError = CommandError::text("ERR need numeric width");
const NO_HEIGHT: CommandError = CommandError::text("ERR need numeric height");
const NO_MEMBER: CommandError = CommandError::text("ERR could not decode requested zset member");
const COUNT_TOO_SMALL: CommandError = CommandError::text("ERR COUNT must be > 0");
const ANY_WITHOUT_COUNT: CommandError =
    CommandError::text("ERR the ANY argument requires COUNT argument");

/// A command that searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// GEORADIUS, or without STORE and STOREDIST GEORADIUS_RO.
    AroundPoint { may_store: bool },
    /// GEORADIUSBYMEMBER, or GEORADIUSBYMEMBER_RO.
    AroundMember { may_store: bool },
    /// GEOSEARCH
    Search,
    /// GEOSEARCHSTORE
    SearchAndStore,
}

/// What is asked for.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    center: Center,
    area: Option<(Shape, Unit)>,
    /// The most places that are told; with `any`, the first ones that are found.
    pub count: Option<usize>,
    pub any: bool,
    order: Option<Order>,
    pub with_distance: bool,
    pub with_hash: bool,
    pub with_coordinates: bool,
    /// Where the places are stored.
    pub store: Option<&'a [u8]>,
    /// Stored with their distances for scores.
    pub store_distances: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Center {
    #[default]
    Unsaid,
    At(Point),
    /// At a member, or where one would be if there were a key.
    Member(Option<Point>),
}

impl Command {
    /// Whether the area is among the options, as it is for the newer two.
    fn is_new(self) -> bool {
        matches!(self, Command::Search | Command::SearchAndStore)
    }

    /// Where the options begin.
    fn options_from(self) -> usize {
        match self {
            Command::AroundPoint { .. } => 6,
            Command::AroundMember { .. } => 5,
            Command::Search => 2,
            Command::SearchAndStore => 3,
        }
    }

    fn may_store(self) -> bool {
        match self {
            Command::AroundPoint { may_store } | Command::AroundMember { may_store } => may_store,
            Command::Search | Command::SearchAndStore => false,
        }
    }
}

impl<'a> Options<'a> {
    /// Reads a request. `set` is what its key holds.
    pub(super) fn parse(
        command: Command,
        args: &Args<'a>,
        set: Option<&SortedSet>,
    ) -> Result<Options<'a>> {
        let mut options = Options::default();
        match command {
            Command::AroundPoint { .. } => {
                options.center = Center::At(point(&args[2], &args[3])?);
                options.area = Some(circle(&args[4], &args[5])?);
            }
            Command::AroundMember { .. } => {
                options.center = center_at(set, &args[2])?;
                // As in Redis, nobody looks at the radius if there is no key.
                if set.is_some() {
                    options.area = Some(circle(&args[3], &args[4])?);
                }
            }
            Command::Search => {}
            Command::SearchAndStore => options.store = args.get(1),
        }
        let words: Vec<&'a [u8]> = args.iter().skip(command.options_from()).collect();
        let mut rest = words.as_slice();
        while let [word, after @ ..] = rest {
            rest = options.take(command, set, word, after)?;
        }
        options.validate(command, args)?;
        Ok(options)
    }

    /// Takes an option, and says what follows it.
    fn take<'w>(
        &mut self,
        command: Command,
        set: Option<&SortedSet>,
        word: &[u8],
        after: &'w [&'a [u8]],
    ) -> Result<&'w [&'a [u8]]> {
        let has_point = matches!(self.center, Center::At(_));
        let has_member = matches!(self.center, Center::Member(_));
        let has_circle = matches!(self.area, Some((Shape::Circle { .. }, _)));
        let has_box = matches!(self.area, Some((Shape::Box { .. }, _)));
        let is_new = command.is_new();
        match (word.to_ascii_lowercase().as_slice(), after) {
            (b"withdist", _) => self.with_distance = true,
            (b"withhash", _) => self.with_hash = true,
            (b"withcoord", _) => self.with_coordinates = true,
            (b"any", _) => self.any = true,
            (b"asc", _) => self.order = Some(Order::Ascending),
            (b"desc", _) => self.order = Some(Order::Descending),
            (b"count", [count, after @ ..]) => {
                let count = usize::try_from(integer_argument(count)?).unwrap_or(0);
                if count == 0 {
                    return Err(COUNT_TOO_SMALL);
                }
                self.count = Some(count);
                return Ok(after);
            }
            (b"storedist", _) if command == Command::SearchAndStore => self.store_distances = true,
            (name @ (b"store" | b"storedist"), [key, after @ ..]) if command.may_store() => {
                self.store = Some(key);
                self.store_distances = name == b"storedist";
                return Ok(after);
            }
            (b"frommember", [member, after @ ..]) if is_new && !has_point => {
                self.center = center_at(set, member)?;
                return Ok(after);
            }
            (b"fromlonlat", [longitude, latitude, after @ ..]) if is_new && !has_member => {
                self.center = Center::At(point(longitude, latitude)?);
                return Ok(after);
            }
            (b"byradius", [radius, unit, after @ ..]) if is_new && !has_box => {
                self.area = Some(circle(radius, unit)?);
                return Ok(after);
            }
            (b"bybox", [width, height, unit, after @ ..]) if is_new && !has_circle => {
                let width = number(width, NO_WIDTH)?;
                let height = number(height, NO_HEIGHT)?;
                self.area = Some((Shape::rectangle(width, height)?, Unit::parse(unit)?));
                return Ok(after);
            }
            _ => return Err(CommandError::SYNTAX),
        }
        Ok(after)
    }

    /// Refuses options that do not go together.
    fn validate(&self, command: Command, args: &Args<'_>) -> Result<()> {
        let shows_more = self.with_distance || self.with_hash || self.with_coordinates;
        if self.store.is_some() && shows_more {
            let stores = match command {
                Command::SearchAndStore => "GEOSEARCHSTORE",
                _ => "STORE option in GEORADIUS",
            };
            let text = format!(
                "ERR {stores} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            );
            return Err(CommandError::Text(text.into()));
        }
        let lacks = |before| CommandError::Quoting {
            before,
            quoted: args[0].to_vec(),
            after: "".into(),
        };
        if command.is_new() && self.center == Center::Unsaid {
            return Err(lacks(
                "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ",
            ));
        }
        if command.is_new() && self.area.is_none() {
            return Err(lacks(
                "ERR exactly one of BYRADIUS and BYBOX can be specified for ",
            ));
        }
        if self.any && self.count.is_none() {
            return Err(ANY_WITHOUT_COUNT);
        }
        Ok(())
    }

    /// The search. `None`: the key whose member is its center is not there.
    pub(super) fn search(&self) -> Option<Search> {
        let (Center::At(center) | Center::Member(Some(center))) = self.center else {
            return None;
        };
        let (shape, unit) = self.area?;
        Some(Search::new(center, shape, unit))
    }

    /// How the places are sorted. Of those that COUNT asks for, the nearest are meant, unless any will
    /// do.
    pub(super) fn order(&self) -> Option<Order> {
        let nearest = self.count.is_some() && !self.any;
        self.order.or(nearest.then_some(Order::Ascending))
    }
}

/// The place of a member as a center.
fn center_at(set: Option<&SortedSet>, member: &[u8]) -> Result<Center> {
    let Some(set) = set else {
        return Ok(Center::Member(None));
    };
    let score = set.score(member).ok_or(NO_MEMBER)?;
    Ok(Center::Member(Some(geo::decode(score))))
}

fn circle(radius: &[u8], unit: &[u8]) -> Result<(Shape, Unit)> {
    let shape = Shape::circle(number(radius, NO_RADIUS)?)?;
    Ok((shape, Unit::parse(unit)?))
}
