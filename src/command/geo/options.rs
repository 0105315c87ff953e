//! The arguments of the six commands that search for places.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! As in Redis, the center is looked up while the arguments are parsed, so an unknown member is
//! reported before a syntax error in a later argument. If the key does not exist there is no
//! center, but the other arguments are still parsed: with STORE the reply is a number.

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

/// A search command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// GEORADIUS. GEORADIUS_RO takes no STORE and STOREDIST.
    AroundPoint { may_store: bool },
    /// GEORADIUSBYMEMBER. GEORADIUSBYMEMBER_RO takes no STORE and STOREDIST.
    AroundMember { may_store: bool },
    /// GEOSEARCH.
    Search,
    /// GEOSEARCHSTORE.
    SearchAndStore,
}

/// The arguments of a search.
#[derive(Debug, Default)]
pub(super) struct SearchOptions<'a> {
    center: Center,
    area: Option<(Shape, Unit)>,
    /// The most places to return: the nearest ones, or with `any` the first ones that are found.
    pub count: Option<usize>,
    pub any: bool,
    order: Option<Order>,
    pub with_distance: bool,
    pub with_hash: bool,
    pub with_coordinates: bool,
    /// The key to store the places at.
    pub store: Option<&'a [u8]>,
    /// Whether the stored scores are distances.
    pub store_distances: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Center {
    #[default]
    None,
    At(Point),
    /// The place of a member. `None`: the key does not exist.
    Member(Option<Point>),
}

impl Command {
    /// Whether center and area are options. In the older commands they are at fixed places.
    fn has_area_options(self) -> bool {
        matches!(self, Command::Search | Command::SearchAndStore)
    }

    /// The index of the first option.
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

impl<'a> SearchOptions<'a> {
    /// Parses a request. `set`: the value of its key.
    pub(super) fn parse(
        command: Command,
        args: &Args<'a>,
        set: Option<&SortedSet>,
    ) -> Result<SearchOptions<'a>> {
        let mut options = SearchOptions::default();
        match command {
            Command::AroundPoint { .. } => {
                options.center = Center::At(point(&args[2], &args[3])?);
                options.area = Some(circle(&args[4], &args[5])?);
            }
            Command::AroundMember { .. } => {
                options.center = center_at(set, &args[2])?;
                // As in Redis, the radius is not parsed if the key does not exist.
                if set.is_some() {
                    options.area = Some(circle(&args[3], &args[4])?);
                }
            }
            Command::Search => {}
            Command::SearchAndStore => options.store = args.get(1),
        }
        let all: Vec<&'a [u8]> = args.iter().skip(command.options_from()).collect();
        let mut rest = all.as_slice();
        while let [word, after @ ..] = rest {
            rest = options.take(command, set, word, after)?;
        }
        options.validate(command, args)?;
        Ok(options)
    }

    /// Parses the option `word`, and returns the arguments after it.
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
        let with_area = command.has_area_options();
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
            (b"frommember", [member, after @ ..]) if with_area && !has_point => {
                self.center = center_at(set, member)?;
                return Ok(after);
            }
            (b"fromlonlat", [longitude, latitude, after @ ..]) if with_area && !has_member => {
                self.center = Center::At(point(longitude, latitude)?);
                return Ok(after);
            }
            (b"byradius", [radius, unit, after @ ..]) if with_area && !has_box => {
                self.area = Some(circle(radius, unit)?);
                return Ok(after);
            }
            (b"bybox", [width, height, unit, after @ ..]) if with_area && !has_circle => {
                let width = number(width, NO_WIDTH)?;
                let height = number(height, NO_HEIGHT)?;
                self.area = Some((Shape::rectangle(width, height)?, Unit::parse(unit)?));
                return Ok(after);
            }
            _ => return Err(CommandError::SYNTAX),
        }
        Ok(after)
    }

    /// Refuses options that contradict each other or are missing.
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
        if command.has_area_options() && self.center == Center::None {
            return Err(lacks(
                "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ",
            ));
        }
        if command.has_area_options() && self.area.is_none() {
            return Err(lacks(
                "ERR exactly one of BYRADIUS and BYBOX can be specified for ",
            ));
        }
        if self.any && self.count.is_none() {
            return Err(ANY_WITHOUT_COUNT);
        }
        Ok(())
    }

    /// The search. `None`: its center is a member of a key that does not exist.
    pub(super) fn search(&self) -> Option<Search> {
        let (Center::At(center) | Center::Member(Some(center))) = self.center else {
            return None;
        };
        let (shape, unit) = self.area?;
        Some(Search::new(center, shape, unit))
    }

    /// The order of the places. COUNT without ANY selects the nearest, so they are sorted by
    /// default.
    pub(super) fn order(&self) -> Option<Order> {
        let nearest = self.count.is_some() && !self.any;
        self.order.or(nearest.then_some(Order::Ascending))
    }
}

/// The place of a member, as the center of a search.
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
