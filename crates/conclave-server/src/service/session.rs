//! `refreshToken`: the in-band renewal.

use conclave_chat::model::{Done, TokenRefresh};
use conclave_chat::service::SessionService;
use conclave_service::{AsyncApiError, AsyncApiResult, MessageContext, async_trait};

use super::{Caller, Desk, faults};
use crate::identity::renewal;

#[async_trait]
impl SessionService for Desk {
    /// The new token is checked here and put in force by the worker, before the answer is
    /// written.
    async fn handle_refresh_token(
        &self,
        request: TokenRefresh,
        context: &MessageContext,
    ) -> AsyncApiResult<Done> {
        let caller = Caller::of(context)?;
        let renewed = self.identity.renew(&request.token).await;
        let new = renewed.map_err(|refusal| {
            let text = "the new token is not valid";
            AsyncApiError::new(faults::code(refusal), text)
        })?;
        let renewed = renewal(&caller.principal(), new, caller.required());
        caller.grant(renewed.map_err(AsyncApiError::forbidden)?);
        Ok(Done { success: true })
    }
}
