using System.Text;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Messages;

/// <summary>A message to a session. <paramref name="Stream"/> is true by default; <paramref name="Mode"/> is the session's by default.</summary>
internal sealed record PostMessageRequest(string? Message, string? Mode, bool? Stream)
{
    /// <summary>Null when the message may be stored.</summary>
    public ProblemHttpResult? Validate(int maxBytes)
    {
        if (string.IsNullOrWhiteSpace(Message))
        {
            return Problem.Invalid(422, "message", "must not be empty");
        }

        if (Encoding.UTF8.GetByteCount(Message) > maxBytes)
        {
            return Problem.Invalid(422, "message", $"must not be longer than {maxBytes} bytes of UTF-8");
        }

        return Mode is not null && DialogueModes.Find(Mode) is null ? Modes.Unknown : null;
    }
}
