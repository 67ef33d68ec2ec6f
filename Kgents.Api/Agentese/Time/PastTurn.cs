using System.Text.Json.Nodes;
using Kgents.Api.Turns;
using Kgents.Contracts;

namespace Kgents.Api.Agentese;

/// <summary>A turn as its session has it: what was asked and, once it has ended, what came of it.</summary>
internal sealed record PastTurn(UserMessage Message, AssistantMessage? Answer)
{
    /// <summary><c>open</c> until it has ended.</summary>
    public string Status => Answer is null ? "open" : TurnResponse.NameOf(Answer.Status);

    public JsonObject ToJson() => new JsonObject
    {
        ["turn_id"] = Message.Turn.ToString(),
        ["asked_at"] = Message.CreatedAt,
        ["mode"] = Message.Mode,
        ["path"] = Message.Path,
        ["archetype"] = Message.Archetype,
        ["question"] = Message.Text,
        ["status"] = Status,
        ["answered_at"] = Answer?.CreatedAt,
        ["answer"] = Answer?.Text,
        ["model"] = Answer?.Model,
        ["tokens_used"] = Answer?.Tokens.Total,
    }.WithoutNulls();
}
