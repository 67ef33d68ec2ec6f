using System.Text.Json.Nodes;
using Kgents.Api.Messages;

namespace Kgents.Api.Agentese;

/// <summary>What a node answers. The hierarchy is closed.</summary>
internal abstract record AgenteseAnswer
{
    private AgenteseAnswer()
    {
    }

    /// <summary>The whole answer, at once: one thing, and no list of things.</summary>
    public sealed record Shown(JsonNode? Result) : AgenteseAnswer;

    /// <summary>A turn answers, if its message was taken.</summary>
    /// <param name="Tell">Makes the result from what the soul said; null when that has not the form that was asked for.</param>
    public sealed record Asked(Acceptance Acceptance, NewMessage Message, Func<string, JsonNode?> Tell) : AgenteseAnswer;

    public sealed record Streamed(IResult Stream) : AgenteseAnswer;

    public sealed record Refused(IResult Problem) : AgenteseAnswer;
}
