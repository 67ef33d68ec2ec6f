namespace Kgents.Testing;

/// <summary>What the model does for one request; as <see cref="ScriptedModelServer.DefaultScript"/>, for many.</summary>
#pragma warning disable CA1001 // A SemaphoreSlim whose wait handle nobody asked for holds nothing to dispose.
public sealed class ModelScript
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _releases = new(0);

    public ModelScript(params IReadOnlyList<ModelStep> steps)
    {
        if (steps.SkipWhile(step => step is ModelStep.WaitForRelease).Skip(1).OfType<ModelStep.Status>().Any())
        {
            throw new ArgumentException("A status cannot follow bytes of a stream.", nameof(steps));
        }

        Steps = steps;
    }

    public IReadOnlyList<ModelStep> Steps { get; }

    /// <summary>A reply of these tokens that ends well.</summary>
    public static ModelScript Reply(params IReadOnlyList<string> tokens) =>
        new([.. tokens.Select(token => new ModelStep.Token(token))]);

    /// <summary>Lets one <see cref="ModelStep.WaitForRelease"/> pass, this one or the next.</summary>
    public void Release() => _releases.Release();

    internal Task WaitForReleaseAsync(CancellationToken cancellationToken) => _releases.WaitAsync(cancellationToken);
}
