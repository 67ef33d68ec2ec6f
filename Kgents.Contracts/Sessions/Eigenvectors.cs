namespace Kgents.Contracts;

/// <summary>Where a soul stands on an axis, from 0 to 1, and how sure that is, from 0 to 1.</summary>
public readonly record struct Eigenvector(double Value, double Confidence);

/// <summary>The six coordinates of a soul's character. They belong to one session; nothing else can change them.</summary>
public sealed record Eigenvectors(Eigenvector Aesthetic, Eigenvector Categorical, Eigenvector Gratitude, Eigenvector Heterarchy, Eigenvector Generativity, Eigenvector Joy)
{
    /// <summary>How sure a coordinate is that somebody has set.</summary>
    private const double Stated = 1;

    /// <summary>Those of K-gent, when nobody sets others.</summary>
    public static Eigenvectors Default { get; } = new(
        Aesthetic: new(0.15, 0.92), Categorical: new(0.92, 0.95), Gratitude: new(0.78, 0.85), Heterarchy: new(0.88, 0.88), Generativity: new(0.90, 0.92), Joy: new(0.75, 0.82));

    public static IReadOnlyList<string> Names { get; } = ["aesthetic", "categorical", "gratitude", "heterarchy", "generativity", "joy"];

    /// <summary>By name, in the order of <see cref="Names"/>.</summary>
    public IReadOnlyList<KeyValuePair<string, Eigenvector>> All() => [.. Names.Zip([Aesthetic, Categorical, Gratitude, Heterarchy, Generativity, Joy], KeyValuePair.Create)];

    public IReadOnlyDictionary<string, double> Values() => All().ToDictionary(each => each.Key, each => each.Value.Value);

    /// <summary>The same with one coordinate set; null when there is no such axis. A value outside of 0 to 1 is cut to it.</summary>
    public Eigenvectors? With(string name, double value)
    {
        var set = new Eigenvector(Math.Clamp(value, 0, 1), Stated);
        return name switch
        {
            "aesthetic" => this with { Aesthetic = set },
            "categorical" => this with { Categorical = set },
            "gratitude" => this with { Gratitude = set },
            "heterarchy" => this with { Heterarchy = set },
            "generativity" => this with { Generativity = set },
            "joy" => this with { Joy = set },
            _ => null,
        };
    }
}
