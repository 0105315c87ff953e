//! shuttle's locks and atomics behind the interfaces of the crates that they replace.
//!
//! Layer `sync`, for model tests only.
//!
//! Poisoned locks are not handled: a panic ends the schedule and fails the test anyway.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::ops::{Deref, DerefMut};
use std::task::Waker;

use shuttle::sync;
pub(crate) use shuttle::sync::atomic;
pub(crate) use sync::MutexGuard;

/// Replaces `parking_lot::Mutex`.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Mutex<T> {
        Mutex(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}

/// Replaces `parking_lot::Mutex::try_lock_for`. A model has no time: it waits.
pub(crate) fn lock_within<T>(
    mutex: &Mutex<T>,
    _patience: std::time::Duration,
) -> Option<MutexGuard<'_, T>> {
    Some(mutex.lock())
}

/// Replaces `parking_lot::MutexGuard::bump`. It keeps the lock, which a model releases by itself.
pub(crate) fn bump<T>(_guard: &mut MutexGuard<'_, T>) {}

/// Replaces `parking_lot::MutexGuard::unlocked_fair`. It keeps the lock while `then` runs.
pub(crate) fn unlocked<T>(_guard: &mut MutexGuard<'_, T>, then: impl FnOnce()) {
    then();
}

/// Replaces `parking_lot::RwLock`.
#[derive(Debug, Default)]
pub(crate) struct RwLock<T>(sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> RwLock<T> {
        RwLock(sync::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> sync::RwLockReadGuard<'_, T> {
        self.0.read().unwrap()
    }

    pub(crate) fn write(&self) -> sync::RwLockWriteGuard<'_, T> {
        self.0.write().unwrap()
    }
}

/// Replaces `atomic_waker::AtomicWaker`.
#[derive(Debug, Default)]
pub(crate) struct AtomicWaker(Mutex<Option<Waker>>);

impl AtomicWaker {
    pub(crate) fn new() -> AtomicWaker {
        AtomicWaker::default()
    }

    pub(crate) fn register(&self, waker: &Waker) {
        *self.0.lock() = Some(waker.clone());
    }

    pub(crate) fn wake(&self) {
        let waker = self.0.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Replaces `dashmap::DashMap`. It has a single shard.
#[derive(Debug)]
pub(crate) struct DashMap<K, V, S>(RwLock<HashMap<K, V, S>>);

impl<K, V, S: Default> Default for DashMap<K, V, S> {
    fn default() -> Self {
        DashMap(RwLock::new(HashMap::default()))
    }
}

impl<K: Hash + Eq + Clone, V, S: BuildHasher> DashMap<K, V, S> {
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<Ref<'_, K, V, S>>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let map = self.0.read();
        let key = map.get_key_value(key)?.0.clone();
        Some(Ref { map, key })
    }

    pub(crate) fn entry(&self, key: K) -> Entry<'_, K, V, S> {
        let map = self.0.write();
        Entry { map, key }
    }

    pub(crate) fn remove_if_mut<Q>(
        &self,
        key: &Q,
        test: impl FnOnce(&K, &mut V) -> bool,
    ) -> Option<(K, V)>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut map = self.0.write();
        let stored = map.get_key_value(key)?.0.clone();
        test(&stored, map.get_mut(key)?).then(|| map.remove_entry(key))?
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Ref<'_, K, V, S>> {
        let keys: Vec<K> = self.0.read().keys().cloned().collect();
        keys.into_iter().filter_map(|key| self.get(&key))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.read().len()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.0.read().capacity()
    }

    pub(crate) fn shrink_to_fit(&self) {
        self.0.write().shrink_to_fit();
    }
}

/// Replaces `dashmap::mapref::one::Ref`.
pub(crate) struct Ref<'a, K, V, S> {
    map: sync::RwLockReadGuard<'a, HashMap<K, V, S>>,
    key: K,
}

impl<K, V, S> Ref<'_, K, V, S> {
    pub(crate) fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Deref for Ref<'_, K, V, S> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.map[&self.key]
    }
}

/// Replaces `dashmap::Entry`, and also the `RefMut` that its `or_default` returns.
pub(crate) struct Entry<'a, K, V, S> {
    map: sync::RwLockWriteGuard<'a, HashMap<K, V, S>>,
    key: K,
}

impl<K: Hash + Eq + Clone, V, S: BuildHasher> Entry<'_, K, V, S> {
    pub(crate) fn or_default(mut self) -> Self
    where
        V: Default,
    {
        let key = self.key.clone();
        self.map.deref_mut().entry(key).or_default();
        self
    }

    pub(crate) fn pair_mut(&mut self) -> (&K, &mut V) {
        let value = self.map.get_mut(&self.key).expect("it was made");
        (&self.key, value)
    }
}
