namespace Kgents.Contracts;

/// <summary>Why a model ended its answer, in the words of the field.</summary>
public static class FinishReasons
{
    /// <summary>It had said all.</summary>
    public const string Stop = "stop";

    /// <summary>It had reached the most that it may say: the answer is cut.</summary>
    public const string Length = "length";

    /// <summary>Its provider kept back the rest.</summary>
    public const string ContentFilter = "content_filter";
}
