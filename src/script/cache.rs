//! The scripts that are kept compiled, by their digest.
//!
//! Layer `script`. What SCRIPT LOAD brought stays until SCRIPT FLUSH. What came by EVAL is kept for the
//! next time, up to a number of scripts; the one that has not been used for longest goes first. So an
//! application that makes up a new text for every call does not fill the memory.

use std::sync::Arc;

use hashbrown::HashMap;
use mlua::{Lua, RegistryKey};

use super::shebang::ScriptFlags;
use crate::hash::HashState;

/// The digest of a script's text, SHA-1.
pub(crate) type Digest = [u8; 20];

/// A compiled script.
#[derive(Debug)]
pub(crate) struct Script {
    pub(super) function: RegistryKey,
    /// What it says of itself.
    pub flags: ScriptFlags,
}

/// A script that is kept.
#[derive(Debug)]
struct Cached {
    script: Arc<Script>,
    /// Whether SCRIPT LOAD brought it.
    is_loaded: bool,
    /// The number of the use that was the last.
    used: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Cache {
    scripts: HashMap<Digest, Cached, HashState>,
    /// How many of them came by EVAL.
    passing: usize,
    uses: u64,
}

impl Cache {
    /// A script, which is now used.
    pub(super) fn find(&mut self, digest: &Digest) -> Option<Arc<Script>> {
        let cached = self.scripts.get_mut(digest)?;
        self.uses += 1;
        cached.used = self.uses;
        Some(Arc::clone(&cached.script))
    }

    /// Whether a script is kept.
    pub(super) fn contains(&self, digest: &Digest) -> bool {
        self.scripts.contains_key(digest)
    }

    /// Has a script stay, if it is kept; whether it is.
    pub(super) fn keep(&mut self, digest: &Digest) -> bool {
        let Some(cached) = self.scripts.get_mut(digest) else {
            return false;
        };
        if !std::mem::replace(&mut cached.is_loaded, true) {
            self.passing -= 1;
        }
        true
    }

    /// Adds a script that is not kept yet. `most`: how many that came by EVAL are kept.
    pub(super) fn add(
        &mut self,
        lua: &Lua,
        digest: Digest,
        function: RegistryKey,
        flags: ScriptFlags,
        is_loaded: bool,
        most: usize,
    ) {
        if !is_loaded {
            while self.passing >= most.max(1) {
                self.drop_oldest(lua);
            }
            self.passing += 1;
        }
        self.uses += 1;
        let cached = Cached {
            script: Arc::new(Script { function, flags }),
            is_loaded,
            used: self.uses,
        };
        self.scripts.insert(digest, cached);
    }

    /// Drops the script that came by EVAL and has not been used for longest; `false`: there is none.
    pub(super) fn drop_oldest(&mut self, lua: &Lua) -> bool {
        let passing = self.scripts.iter().filter(|(_, cached)| !cached.is_loaded);
        let oldest = passing.min_by_key(|(_, cached)| cached.used);
        let Some(digest) = oldest.map(|(digest, _)| *digest) else {
            return false;
        };
        if let Some(cached) = self.scripts.remove(&digest) {
            forget(lua, cached);
            self.passing -= 1;
        }
        true
    }

    /// Drops all scripts.
    pub(super) fn clear(&mut self, lua: &Lua) {
        for (_, cached) in self.scripts.drain() {
            forget(lua, cached);
        }
        self.passing = 0;
    }

    /// How many scripts are kept.
    pub(super) fn len(&self) -> usize {
        self.scripts.len()
    }
}

/// Frees what Lua holds for a script.
fn forget(lua: &Lua, cached: Cached) {
    // What is still held by who has just run it goes when its place in the registry is used again.
    if let Some(script) = Arc::into_inner(cached.script) {
        // It fails for keys of another state only.
        let _ = lua.remove_registry_value(script.function);
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn digest(number: u8) -> Digest {
        [number; 20]
    }

    #[test]
    fn what_came_by_eval_goes_by_age_and_what_was_loaded_stays() {
        let lua = Lua::new();
        let mut cache = Cache::default();
        let add = |cache: &mut Cache, number, is_loaded| {
            let function = lua.create_registry_value(number).unwrap();
            let flags = ScriptFlags::default();
            cache.add(&lua, digest(number), function, flags, is_loaded, 2);
        };
        add(&mut cache, 1, true);
        add(&mut cache, 2, false);
        add(&mut cache, 3, false);
        assert!(cache.find(&digest(2)).is_some());
        add(&mut cache, 4, false);
        let kept = |cache: &Cache| {
            let numbers = (1..=5).filter(|&number| cache.contains(&digest(number)));
            numbers.collect::<Vec<_>>()
        };
        assert_eq!(kept(&cache), [1, 2, 4]);
        assert!(cache.keep(&digest(2)));
        assert!(!cache.keep(&digest(3)));
        add(&mut cache, 5, false);
        assert_eq!(kept(&cache), [1, 2, 4, 5]);
        assert!(cache.drop_oldest(&lua) && cache.drop_oldest(&lua));
        assert!(!cache.drop_oldest(&lua));
        assert_eq!(kept(&cache), [1, 2]);
        assert_eq!(cache.len(), 2);
    }
}
