//! Who may come in: join tokens, the rule of the unclaimed server, and how often somebody may try.

mod host_key;
mod locality;
mod own_addresses;
mod rate_limit;
mod tokens;

use std::net::IpAddr;
use std::path::Path;
use std::time::Instant;

use confab_protocol::ErrorCode;
use confab_rooms::Refusal;

pub(crate) use host_key::HostKey;
pub(crate) use locality::{Caller, address_group};
pub(crate) use rate_limit::{AddressLimiter, TokenBucket};
pub(crate) use tokens::{TokenError, Tokens};

use self::own_addresses::OwnAddresses;
use crate::config::Config;
use crate::media::reachable_addresses;
use crate::store::{Store, StoreError};

/// Seconds until an address gets one more failed attempt.
const SECONDS_PER_ATTEMPT: f64 = 3.0;

/// The name under which the store has the host key.
const HOST_KEY: &str = "host_key";

/// The gate. All doors ask here.
pub(crate) struct Gate {
    pub(crate) tokens: Tokens,
    host_key: HostKey,
    /// The host key was made at this start.
    pub(crate) host_key_is_new: bool,
    trust_local: bool,
    own_addresses: OwnAddresses,
    failures: AddressLimiter,
    creations: AddressLimiter,
}

impl Gate {
    /// Takes the secrets from the store, and makes them at the first start.
    pub(crate) async fn open(config: &Config, store: &Store) -> Result<Self, StoreError> {
        let (secret, _) = store.setting_or_insert("token_secret", tokens::fresh_secret()).await?;
        let (issuer, _) = store.setting_or_insert("server_id", uuid::Uuid::now_v7().to_string()).await?;
        let (host_key, host_key_is_new) = store.setting_or_insert(HOST_KEY, HostKey::fresh()).await?;
        let per_minute = f64::from(config.rooms_per_minute.max(1));
        Ok(Self {
            tokens: Tokens::new(&secret, issuer, config.token_hours),
            host_key: HostKey::new(host_key),
            host_key_is_new,
            trust_local: config.trust_local,
            own_addresses: OwnAddresses::new(reachable_addresses),
            failures: AddressLimiter::new(f64::from(config.failed_attempts.max(1)), 1.0 / SECONDS_PER_ATTEMPT),
            creations: AddressLimiter::new(per_minute, per_minute / 60.0),
        })
    }

    /// The host key in a data folder, as a server that uses it knows it; `None` before its first start.
    pub(crate) async fn host_key_in(folder: &Path) -> Result<Option<HostKey>, StoreError> {
        let Some(store) = Store::read(folder).await? else { return Ok(None) };
        let key = store.setting(HOST_KEY).await;
        store.close().await;
        Ok(key?.map(HostKey::new))
    }

    /// The key for making rooms from outside.
    pub(crate) fn host_key(&self) -> &HostKey {
        &self.host_key
    }

    /// Whether this address may try anything that can fail by guessing. Ask before looking anything up.
    pub(crate) fn may_try(&self, address: IpAddr, now: Instant) -> Result<(), Refusal> {
        if self.failures.has_any(address, now) { Ok(()) } else { Err(too_many_attempts()) }
    }

    /// A guess was wrong.
    pub(crate) fn failed(&self, address: IpAddr, now: Instant) {
        self.failures.take(address, now);
    }

    /// Whether this caller may make a room: near callers on an unclaimed server, others with the host key.
    pub(crate) fn may_create(&self, caller: &Caller, key: Option<&str>, now: Instant) -> Result<(), Refusal> {
        self.may_try(caller.address, now)?;
        match key {
            Some(key) if self.host_key.matches(key) => {}
            Some(_) => {
                self.failed(caller.address, now);
                return Err(Refusal::new(ErrorCode::HostKeyRequired, "The host key is wrong."));
            }
            None if self.trust_local && caller.is_near(|address| self.own_addresses.contain(address, now)) => {}
            None => {
                let message = "Meetings on this server can be started from its own network, or with the host key \
                               that it printed at its first start.";
                return Err(Refusal::new(ErrorCode::HostKeyRequired, message));
            }
        }
        if self.creations.take(caller.address, now) {
            return Ok(());
        }
        let message = "Too many meetings were started from your address. Wait a minute.";
        Err(Refusal::new(ErrorCode::RateLimited, message))
    }
}

fn too_many_attempts() -> Refusal {
    let message = "Too many wrong codes, tokens or keys came from your address. Wait a minute and try again.";
    Refusal::new(ErrorCode::RateLimited, message)
}
