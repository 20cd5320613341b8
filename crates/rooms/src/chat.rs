//! The meeting's chat. A message goes to the store first and to people after it, in the order the store took them.

use confab_protocol::{ChatMessage, ChatMessageId, ErrorCode, RequestId, ServerMessage};

use crate::command::{Now, Refusal, SessionId};
use crate::effect::Effect;
use crate::permissions::{Action, allows};
use crate::room::{Room, refuse};
use crate::text::{clean_chat, says_something};
use crate::tracks::not_allowed;

/// A chat message as it came.
pub(crate) struct Written {
    pub(crate) id: ChatMessageId,
    pub(crate) request: Option<RequestId>,
    pub(crate) conversation_id: Option<String>,
    pub(crate) content: String,
}

impl Room {
    pub(crate) fn chat(&mut self, now: Now, session: SessionId, written: &Written, out: &mut Vec<Effect>) {
        let (limit, code) = (self.config.chat_chars, self.code.to_string());
        let Some(member) = self.driver(session, written.request, out) else { return };
        let allowed = if !allows(&member.grants, Action::WriteChat) {
            Err(not_allowed(Action::WriteChat))
        } else if written.conversation_id.as_ref().is_some_and(|conversation| !conversation.eq_ignore_ascii_case(&code))
        {
            Err(Refusal::new(ErrorCode::NotAllowed, "You are not a member of this conversation."))
        } else if written.content.chars().count() > limit as usize {
            Err(Refusal::field("content", format!("A message is at most {limit} characters long.")))
        } else if !says_something(&written.content) {
            Err(Refusal::field("content", "The message is empty."))
        } else {
            Ok(())
        };
        if let Err(refusal) = allowed {
            return refuse(session, written.request, refusal, out);
        }
        let message = ChatMessage {
            id: written.id,
            conversation_id: code,
            user_id: member.id,
            username: member.name.clone(),
            content: clean_chat(&written.content),
            content_type: "text".to_owned(),
            timestamp: now.unix_ms,
        };
        out.push(Effect::StoreChat { session, request: written.request, message });
    }

    pub(crate) fn chat_stored(
        &mut self,
        session: SessionId,
        request: Option<RequestId>,
        message: ChatMessage,
        out: &mut Vec<Effect>,
    ) {
        self.recent_chat.push_back(message.clone());
        self.trim_chat();
        let writer = request.is_some() && self.sessions.contains_key(&session);
        if writer {
            let echo = ServerMessage::ChatMessage { request, chat: message.clone() };
            out.push(Effect::Send { to: vec![session], message: echo });
        }
        let except = writer.then_some(session);
        self.tell_all(except, ServerMessage::ChatMessage { request: None, chat: message }, out);
    }

    pub(crate) fn chat_not_stored(session: SessionId, request: Option<RequestId>, out: &mut Vec<Effect>) {
        let message = "The message could not be stored, so it was not sent. Try again.";
        refuse(session, request, Refusal::new(ErrorCode::Internal, message), out);
    }

    pub(crate) fn trim_chat(&mut self) {
        while self.recent_chat.len() > self.config.chat_page as usize {
            self.recent_chat.pop_front();
        }
    }
}
