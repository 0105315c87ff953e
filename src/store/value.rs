//! What a key holds: a value of one of the types.
//!
//! Layer `store`. Every type tells the same few things of itself ([`ValueType`]); commands reach a
//! value of the type that they work on through [`Stored`], and nothing else in the crate matches on
//! [`Value`]. To add a type: write it in a file of its own, implement [`ValueType`], and add a line
//! to `value_types!` below.
//!
//! Invariant: memory is told in constant time, as it is asked before and after every change.

use super::hash_value::Hash;
use super::list::List;
use super::set::Set;
use super::sorted_set::SortedSet;
use super::string_value::StringValue;
use crate::config::Config;

/// What every type of value tells of itself.
pub(crate) trait ValueType {
    /// What OBJECT ENCODING answers.
    fn encoding(&self) -> &'static str;

    /// Bytes of heap memory behind it.
    fn memory(&self) -> usize;

    /// Whether nothing is left in it, so that its key goes.
    fn is_empty(&self) -> bool;

    /// About how many allocations dropping it gives back: who holds a lock leaves much of that to
    /// others.
    fn free_cost(&self) -> usize;

    /// To be called when it has come to a key, or has been changed there: its encoding follows
    /// Redis's size rules. `before` is what [`size`](Self::size) was before the change.
    fn settle(&mut self, _before: Option<Size>, _config: &Config) {}

    /// Its size, as far as [`settle`](Self::settle) wants to know it.
    fn size(&self) -> Size {
        Size::default()
    }
}

/// The size of a value, as Redis's rules for encodings count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// Bytes that it would take as one listpack.
    pub bytes: usize,
    /// How many elements.
    pub elements: usize,
}

/// A type whose values keys hold.
pub(crate) trait Stored: ValueType + Into<Value> {
    /// What TYPE answers.
    const NAME: &'static str;

    /// This value, if it is of the type.
    fn of(value: &Value) -> Option<&Self>;

    /// This value, to change, if it is of the type.
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
}

/// Defines [`Value`] with a variant for each type. Large types are boxed, so that a small value does
/// not pay for them.
macro_rules! value_types {
    ($($(#[$doc:meta])* $variant:ident($held:ty) is $type:ty, named $name:literal;)+) => {
        /// What a key holds.
        #[derive(Clone, Debug)]
        pub(crate) enum Value {
            $($(#[$doc])* $variant($held),)+
        }

        impl Value {
            /// What TYPE answers.
            pub(crate) fn type_name(&self) -> &'static str {
                match self {
                    $(Value::$variant(_) => $name,)+
                }
            }

            /// Bytes of heap memory behind it.
            pub(crate) fn memory(&self) -> usize {
                match self {
                    $(Value::$variant(value) => {
                        // Of a boxed type, the heap has the value itself, too.
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
}

impl Value {
    /// What OBJECT ENCODING answers.
    pub(crate) fn encoding(&self) -> &'static str {
        self.as_type().encoding()
    }

    /// Whether nothing is left in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.as_type().is_empty()
    }

    /// About how many allocations dropping it gives back.
    pub(crate) fn free_cost(&self) -> usize {
        self.as_type().free_cost()
    }

    /// See [`ValueType::settle`].
    pub(super) fn settle(&mut self, before: Option<Size>, config: &Config) {
        self.as_type_mut().settle(before, config);
    }
}
