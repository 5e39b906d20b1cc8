//! The end of an environment, such as a worker's termination.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use napi::Env;

/// A store that has something to finish.
pub trait Flush {
    /// Waits for what was asked for.
    fn flush(&self);
}

thread_local! {
    /// Stores of this environment.
    static STORES: RefCell<Option<Vec<Weak<dyn Flush>>>> = const { RefCell::new(None) };
}

/// Lets the end of the environment wait for batches in flight. Batches that are still queued in JavaScript are sent by
/// `lib/process/exit.js`, where JavaScript may still run.
///
/// # Errors
///
/// If Node refuses the hook.
pub fn flush_at_end_of_environment(env: Env, store: &Arc<impl Flush + 'static>) -> napi::Result<()> {
    STORES.with_borrow_mut(|stores| {
        if stores.is_none() {
            env.add_env_cleanup_hook((), |()| {
                let stores = STORES.with_borrow_mut(Option::take).unwrap_or_default();
                stores.iter().filter_map(Weak::upgrade).for_each(|store| store.flush());
            })?;
        }
        let stores = stores.get_or_insert_default();
        stores.retain(|store| store.strong_count() > 0);
        let weak: Weak<dyn Flush> = Arc::<_>::downgrade(store) as _;
        stores.push(weak);
        Ok(())
    })
}
