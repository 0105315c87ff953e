//! The value of a key, which has one of several types.
//!
//! Layer `store`. It may use `config` and `resp`.
//!
//! Every type implements [`ValueType`]. Commands get a value of the type that they work on through
//! [`Stored`], and nothing else in the crate matches on [`Value`]. To add a type: write it in a
//! file of its own, implement [`ValueType`], and add a line to `value_types!` below.
//!
//! Invariant: `memory` takes constant time, since it is called before and after every change.

use super::hash_value::Hash;
use super::list::List;
use super::set::Set;
use super::sorted_set::SortedSet;
use super::stream::Stream;
use super::string_value::StringValue;
use crate::config::Config;

/// What every type of value can tell about itself.
pub(crate) trait ValueType {
    /// The name that OBJECT ENCODING shows.
    fn encoding(&self) -> &'static str;

    /// Its heap memory in bytes.
    fn memory(&self) -> usize;

    /// Whether it has nothing left, so that its key is removed.
    fn is_empty(&self) -> bool;

    /// Roughly how many allocations dropping it frees. A thread that holds a lock leaves the
    /// dropping of large values to others.
    fn free_cost(&self) -> usize;

    /// Must be called after it was stored at a key or changed there: the encoding follows Redis's
    /// size rules. `before` is its [`size`](Self::size) before the change, and `now` is in seconds
    /// since 1970.
    fn settle(&mut self, _before: Option<Size>, _config: &Config, _now: u32) {}

    /// Its size, if [`settle`](Self::settle) needs it.
    fn size(&self) -> Size {
        Size::default()
    }
}

/// The size of a value, as Redis's rules for encodings measure it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// The bytes that it would take as one listpack.
    pub bytes: usize,
    /// The number of its elements.
    pub elements: usize,
}

/// A type that keys can hold.
pub(crate) trait Stored: ValueType + Into<Value> {
    /// The name that TYPE shows.
    const NAME: &'static str;

    /// The value as this type, if it has the type.
    fn of(value: &Value) -> Option<&Self>;

    /// The value as this type, to be changed, if it has the type.
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
}

/// Defines [`Value`] with a variant for each type. Large types are boxed, so that small values take
/// less memory.
macro_rules! value_types {
    ($($(#[$doc:meta])* $variant:ident($held:ty) is $type:ty, named $name:literal;)+) => {
        /// The value of a key.
        #[derive(Clone, Debug)]
        pub(crate) enum Value {
            $($(#[$doc])* $variant($held),)+
        }

        impl Value {
            /// The name that TYPE shows.
            pub(crate) fn type_name(&self) -> &'static str {
                match self {
                    $(Value::$variant(_) => $name,)+
                }
            }

            /// Its heap memory in bytes.
            pub(crate) fn memory(&self) -> usize {
                match self {
                    $(Value::$variant(value) => {
                        // For a boxed type, the value itself is on the heap, too.
                        let is_boxed = size_of::<$held>() != size_of::<$type>();
                        value.memory() + if is_boxed { size_of::<$type>() } else { 0 }
                    })+
                }
            }

            fn as_type(&self) -> &dyn ValueType {
                match self {
                    $(Value::$variant(value) => AsRef::<$type>::as_ref(value),)+
                }
            }

            fn as_type_mut(&mut self) -> &mut dyn ValueType {
                match self {
                    $(Value::$variant(value) => AsMut::<$type>::as_mut(value),)+
                }
            }
        }

        $(impl Stored for $type {
            const NAME: &'static str = $name;

            fn of(value: &Value) -> Option<&Self> {
                match value {
                    Value::$variant(value) => Some(value.as_ref()),
                    #[allow(unreachable_patterns)] // Where there is only one type.
                    _ => None,
                }
            }

            fn of_mut(value: &mut Value) -> Option<&mut Self> {
                match value {
                    Value::$variant(value) => Some(value.as_mut()),
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }
        }

        impl From<$type> for Value {
            fn from(value: $type) -> Value {
                Value::$variant(value.into())
            }
        })+
    };
}

value_types! {
    /// A string.
    String(StringValue) is StringValue, named "string";
    /// A list.
    List(Box<List>) is List, named "list";
    /// A hash.
    Hash(Hash) is Hash, named "hash";
    /// A set.
    Set(Box<Set>) is Set, named "set";
    /// A sorted set.
    SortedSet(SortedSet) is SortedSet, named "zset";
    /// A stream.
    Stream(Box<Stream>) is Stream, named "stream";
}

impl Value {
    /// The name that OBJECT ENCODING shows.
    pub(crate) fn encoding(&self) -> &'static str {
        self.as_type().encoding()
    }

    /// Whether it has nothing left.
    pub(crate) fn is_empty(&self) -> bool {
        self.as_type().is_empty()
    }

    /// Roughly how many allocations dropping it frees.
    pub(crate) fn free_cost(&self) -> usize {
        self.as_type().free_cost()
    }

    /// See [`ValueType::settle`].
    pub(super) fn settle(&mut self, before: Option<Size>, config: &Config, now: u32) {
        self.as_type_mut().settle(before, config, now);
    }
}
