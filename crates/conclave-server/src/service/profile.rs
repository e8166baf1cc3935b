//! `updateUserProfile`.

use conclave_chat::model::{
    FieldError, ProfileUpdateRequest, ProfileUpdateResponse, ProfileUpdates, UserProfile,
};
use conclave_chat::service::ProfileUpdateService;
use conclave_core::RoomFault;
use conclave_protocol::{Person, Refusal, UpdateProfile};
use conclave_service::format::{DateTime, Uuid};
use conclave_service::{AsyncApiResult, MessageContext, async_trait};

use super::{Caller, Desk, faults};

#[async_trait]
impl ProfileUpdateService for Desk {
    /// All or nothing: where a field is wrong, the answer says which, and nothing is changed.
    async fn handle_update_user_profile(
        &self,
        request: ProfileUpdateRequest,
        context: &MessageContext,
    ) -> AsyncApiResult<ProfileUpdateResponse> {
        let caller = Caller::of(context)?;
        let (updates, id) = (request.updates, request.request_id);
        let fields = named(&updates);
        let permit = caller.permit(UpdateProfile {
            name: updates.display_name.map(|name| String::from(name).into()),
            avatar: updates.avatar.map(|avatar| String::from(avatar).into()),
            bio: updates.bio.map(|bio| String::from(bio).into()),
        })?;
        match self.rooms.update_profile(permit, context.now()).await {
            Ok(person) => Ok(ProfileUpdateResponse {
                updated_fields: Some(fields),
                profile: Some(self.shown(person, &caller)),
                ..answer(id, true, context)
            }),
            Err(fault) => match field(&fault) {
                Some(wrong) => Ok(refused(id, wrong, context)),
                None => Err(faults::of_rooms(&fault)),
            },
        }
    }
}

impl Desk {
    /// As others see the user; the name that they sign in with is what their token calls them.
    fn shown(&self, person: Person, caller: &Caller) -> UserProfile {
        let profile = &person.profile;
        let user = profile.user.as_str();
        let principal = caller.principal();
        UserProfile {
            user_id: user.to_owned(),
            username: principal.name.as_deref().unwrap_or(user).to_owned(),
            display_name: profile.name.to_string(),
            bio: person.bio.map(Into::into),
            avatar: profile.avatar.as_deref().map(str::to_owned),
            joined_at: person.joined_at.map(DateTime::from),
            last_seen: None,
            is_online: self.rooms.is_online(&profile.user),
        }
    }
}

fn named(updates: &ProfileUpdates) -> Vec<String> {
    let fields = [
        ("display_name", updates.display_name.is_some()),
        ("bio", updates.bio.is_some()),
        ("avatar", updates.avatar.is_some()),
    ];
    let changed = fields.into_iter().filter(|(_, is_there)| *is_there);
    changed.map(|(name, _)| name.to_owned()).collect()
}

/// The field that the core names before a colon; `None` where the fault is no field's.
fn field(fault: &RoomFault) -> Option<FieldError> {
    if fault.refusal() != Refusal::BadRequest {
        return None;
    }
    let message = fault.message();
    let (field, text) = message.split_once(": ")?;
    let field = if field == "name" {
        "display_name"
    } else {
        field
    };
    Some(wrong(field, text, "invalid"))
}

fn wrong(field: &str, message: &str, code: &str) -> FieldError {
    FieldError {
        field: format!("updates.{field}"),
        message: message.to_owned(),
        code: Some(code.to_owned()),
    }
}

fn refused(id: Uuid, wrong: FieldError, context: &MessageContext) -> ProfileUpdateResponse {
    ProfileUpdateResponse {
        errors: Some(vec![wrong]),
        ..answer(id, false, context)
    }
}

fn answer(id: Uuid, success: bool, context: &MessageContext) -> ProfileUpdateResponse {
    ProfileUpdateResponse {
        request_id: id,
        success,
        updated_fields: None,
        errors: None,
        profile: None,
        timestamp: DateTime::from(context.now()),
    }
}
