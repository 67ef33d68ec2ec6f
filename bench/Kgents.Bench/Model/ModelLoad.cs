namespace Kgents.Bench.Model;

/// <summary>What the model says to each request until it is told another: so many tokens a second, until a time or a number is reached.</summary>
/// <param name="TokensPerSecond">Infinity for as fast as they are taken.</param>
internal sealed record ModelLoad(double TokensPerSecond, TimeSpan Duration, int Tokens = int.MaxValue);
