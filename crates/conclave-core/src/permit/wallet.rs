//! The rules of wallets (identity.md, "Permissions"). Whose a wallet is the store says.

use conclave_protocol::{Channel, Permission, Principal};

use super::{Denied, Guarded, need, token};
use crate::{HearWatch, WatchAny, WatchOwn};

impl Guarded for HearWatch {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        token(principal)?;
        need(principal, Permission::WalletRead, "")?;
        Ok(Channel::Watch(self.watch))
    }
}

impl Guarded for WatchAny {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        need(principal, Permission::WalletReadAny, "")?;
        WatchOwn.check(principal)
    }
}

impl Guarded for WatchOwn {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        let user = principal.user.clone().ok_or(Denied::Anonymous)?;
        need(principal, Permission::WalletRead, "")?;
        Ok(Channel::User(user))
    }
}
