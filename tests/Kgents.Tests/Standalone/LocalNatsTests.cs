using Kgents.ServiceDefaults;
using Kgents.Standalone;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Standalone;

/// <summary>Whoever gives it a directory that will not do is told what is wrong with it, and which setting it is.</summary>
public sealed class LocalNatsTests : IDisposable
{
    private const string ConfigurationFile = "nats-server.conf";

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("kgents-");

    private string Home => Path.Combine(directory.FullName, ".kgents");

    public void Dispose() => directory.Delete(recursive: true);

    [Fact(Timeout = Limits.Test)]
    public async Task Directory_ThatAnotherHas_IsToldSo()
    {
        using var other = LocalNatsDirectory.Open(directory.FullName);

        Assert.StartsWith($"Another Kgents runs in {directory.FullName}. ", await RefusedAsync(directory.FullName), StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Directory_InWhosePlaceIsAFile_IsToldSo()
    {
        await File.WriteAllTextAsync(Home, "", TestContext.Current.CancellationToken);

        Assert.StartsWith($"{directory.FullName} cannot hold what Kgents keeps: ", await RefusedAsync(directory.FullName), StringComparison.Ordinal);
    }

    /// <summary>Which is refused as what one has no right to is.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("lock")]
    [InlineData(ConfigurationFile)]
    public async Task File_ThatMayNotBeWritten_IsToldSo(string name)
    {
        Directory.CreateDirectory(Path.Combine(Home, name));

        var told = await RefusedAsync(directory.FullName);

        Assert.StartsWith($"{directory.FullName} cannot hold what Kgents keeps: ", told, StringComparison.Ordinal);
        Assert.Contains(name, told, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Lock_ThatCannotBeMade_IsNotTakenForAnothers()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Not everybody may make a link.");
        Directory.CreateDirectory(Home);
        File.CreateSymbolicLink(Path.Combine(Home, "lock"), Path.Combine(directory.FullName, "nowhere", "lock"));

        Assert.StartsWith($"{directory.FullName} cannot hold what Kgents keeps: ", await RefusedAsync(directory.FullName), StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Disk_ThatIsFull_IsToldSo()
    {
        var missing = SmallDisk.TryMount(1, out var disk);
        Assert.SkipWhen(missing is not null, missing ?? "");
        using (disk)
        {
            disk!.Fill();

            Assert.StartsWith($"{disk.Path} cannot hold what Kgents keeps: No space left on device", await RefusedAsync(disk.Path), StringComparison.Ordinal);
        }
    }

    private async Task<string> RefusedAsync(string path)
    {
        var shipped = Path.Combine(directory.FullName, "shipped.conf");
        await File.WriteAllTextAsync(shipped, "", TestContext.Current.CancellationToken);
        var refused = await Assert.ThrowsAsync<SettingException>(() => LocalNats.StartAsync(new LocalNatsOptions { Directory = path }, shipped, TestContext.Current.CancellationToken));
        Assert.Contains("Nats:Directory (environment: Nats__Directory).", refused.Message, StringComparison.Ordinal);
        return refused.Message;
    }
}
