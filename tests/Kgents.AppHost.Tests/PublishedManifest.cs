using System.Text.Json;

namespace Kgents.AppHost.Tests;

/// <summary>The manifest that the AppHost publishes, published once for all tests that read it.</summary>
public sealed class PublishedManifest : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kgents-manifest-");

    public string Text { get; private set; } = "";

    public JsonElement Resources { get; private set; }

    public async ValueTask InitializeAsync()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var builder = await AppHostModel.ForPublishAsync(_directory.FullName);
        await using var app = await builder.BuildAsync(cancellationToken);
        await app.RunAsync(cancellationToken);

        Text = await File.ReadAllTextAsync(Path.Combine(_directory.FullName, "aspire-manifest.json"), cancellationToken);
        using var manifest = JsonDocument.Parse(Text);
        Resources = manifest.RootElement.GetProperty("resources").Clone();
    }

    public ValueTask DisposeAsync()
    {
        _directory.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
