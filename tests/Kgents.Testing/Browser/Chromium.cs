using System.Diagnostics;

namespace Kgents.Testing;

/// <summary>A headless Chromium that shows one page, with a profile of its own that ends with it.</summary>
public sealed class Chromium : IAsyncDisposable
{
    private const string Variable = "KGENTS_CHROMIUM";

    /// <summary>It fetches nothing by itself: what the page asks for is all that leaves this machine.</summary>
    private static readonly string[] Arguments =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-default-apps", "--disable-extensions", "--disable-sync", "--no-proxy-server", "--remote-debugging-port=0",
    ];

    private readonly ChildProcess process;
    private readonly DirectoryInfo profile;

    private Chromium(ChildProcess process, DirectoryInfo profile)
    {
        this.process = process;
        this.profile = profile;
    }

    /// <summary>Why there is none; null when there is one.</summary>
    public static string? Missing => Find() is null ? $"Chromium is neither on PATH nor named by {Variable}; as root on Debian `./dev test` installs it." : null;

    /// <summary>Its last lines of output, for the message of a test that fails.</summary>
    public string Output => process.Output.Tail();

    public static Chromium Open(Uri page)
    {
        var profile = Directory.CreateTempSubdirectory("kgents-chromium-");
        var start = new ProcessStartInfo(Find() ?? throw new InvalidOperationException(Missing), [.. Arguments, $"--user-data-dir={profile.FullName}", page.AbsoluteUri]);
        start.Environment["HOME"] = profile.FullName;
        return new Chromium(ChildProcess.Start(start), profile);
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            // SIGTERM, so that it ends its own children.
            await process.TerminateAsync(CancellationToken.None);
        }

        await process.DisposeAsync();
        profile.Delete(recursive: true);
    }

    private static string? Find() => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } configured ? configured
        : (from directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
           from name in new[] { "chromium", "chromium-browser", "google-chrome" }
           let file = Path.Combine(directory, name)
           where File.Exists(file)
           select file).FirstOrDefault();
}
