namespace Kgents.Testing;

/// <summary>One thing that the scripted model does. The hierarchy is closed.</summary>
public abstract record ModelStep
{
    private ModelStep()
    {
    }

    /// <summary>One content chunk, flushed at once.</summary>
    public sealed record Token(string Text) : ModelStep;

    /// <summary>Waits for one <see cref="ModelScript.Release"/>.</summary>
    public sealed record WaitForRelease : ModelStep;

    /// <summary>Says nothing for a while, as a model that thinks: it paces a load, and nothing may be decided by it.</summary>
    public sealed record Pause(TimeSpan Time) : ModelStep;

    /// <summary>Answers with an error instead of a stream and ends the script. A null body is OpenAI's error shape. A pause that is not of whole seconds is told in milliseconds too.</summary>
    public sealed record Status(int Code, string? Body = null, TimeSpan? RetryAfter = null) : ModelStep;

    /// <summary>Breaks the connection after everything so far was sent, and ends the script.</summary>
    public sealed record CutConnection : ModelStep;

    /// <summary>Says nothing more until the client leaves.</summary>
    public sealed record Stall : ModelStep;

    /// <summary>The numbers to report; <c>Cached</c> and <c>CacheWrite</c> are parts of <c>Prompt</c>, <c>Reasoning</c> of <c>Completion</c>.</summary>
    /// <remarks>Sent at the end as providers do, or where it stands when it comes after <see cref="Finish"/>.</remarks>
    public sealed record Usage(int Prompt, int Completion, int Cached = 0, int Reasoning = 0, int CacheWrite = 0) : ModelStep;

    /// <summary>Reports no usage although the client asked for it.</summary>
    public sealed record OmitUsage : ModelStep;

    /// <summary>Sends the line as it is.</summary>
    public sealed record Malformed(string RawLine) : ModelStep;

    /// <summary>Sends these bytes as they are, alone in a packet as far as TCP has packets.</summary>
    public sealed record Bytes(byte[] Raw) : ModelStep;

    /// <summary>The chunk with the finish reason; without this step <c>stop</c> comes at the end.</summary>
    public sealed record Finish(string Reason) : ModelStep;

    /// <summary>Ends the response here, in good order but without <c>[DONE]</c>.</summary>
    public sealed record EndWithoutDone : ModelStep;
}
