namespace Kgents.Flux;

/// <summary>Keeps numbers in their range.</summary>
internal static class Clamped
{
    public static double Share(double value) => double.IsNaN(value) ? 0 : Math.Clamp(value, 0, 1);

    public static int Depth(int value) => Math.Clamp(value, 1, 3);
}

/// <summary>A thought; <see cref="Depth"/> is from 1 to 3.</summary>
public sealed record Thought : SoulEvent
{
    public Thought(string content, int depth = 1)
    {
        Content = content;
        Depth = Clamped.Depth(depth);
    }

    public string Content { get; }

    public int Depth { get; }
}

/// <summary>A feeling; <see cref="Intensity"/> is from 0 to 1.</summary>
public sealed record Feeling : SoulEvent
{
    public Feeling(string content, double intensity = 0.5)
    {
        Content = content;
        Intensity = Clamped.Share(intensity);
    }

    public string Content { get; }

    public double Intensity { get; }
}

/// <summary>Something seen; <see cref="Confidence"/> is from 0 to 1.</summary>
public sealed record Observation : SoulEvent
{
    public Observation(string content, double confidence = 0.5)
    {
        Content = content;
        Confidence = Clamped.Share(confidence);
    }

    public string Content { get; }

    public double Confidence { get; }
}

/// <summary>The soul argues with itself; <see cref="Depth"/> is from 1 to 3.</summary>
public sealed record SelfChallenge : SoulEvent
{
    public SelfChallenge(string thesis, string? antithesis = null, int depth = 1)
    {
        Thesis = thesis;
        Antithesis = antithesis;
        Depth = Clamped.Depth(depth);
    }

    public string Thesis { get; }

    public string? Antithesis { get; }

    public int Depth { get; }
}

/// <summary>Something from outside; above an <see cref="Intensity"/> of 0.7 it makes the soul think.</summary>
public sealed record Perturbation : SoulEvent
{
    public Perturbation(string content, double intensity = 0.5)
    {
        Content = content;
        Intensity = Clamped.Share(intensity);
    }

    public string Content { get; }

    public double Intensity { get; }
}

/// <summary>Thanks.</summary>
public sealed record Gratitude(string Content) : SoulEvent;
