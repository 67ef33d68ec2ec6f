using System.Diagnostics;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Testing;

/// <summary>
/// OpenMeter's own JavaScript SDK is the referee of the stand-in: it knows nothing of Kgents, and reads the answers as OpenMeter's. With <c>KGENTS_OPENMETER_SDK=1</c>, since it fetches a package; it needs
/// node and npm.
/// </summary>
public sealed class OpenMeterSdkTests
{
    private const string Package = "@openmeter/sdk@1.0.0-beta.232";

    [Fact(Timeout = Limits.Test)]
    public async Task Sdk_IngestsListsAndUnderstandsRefusals()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("KGENTS_OPENMETER_SDK") is not { Length: > 0 }, "KGENTS_OPENMETER_SDK is not set: the test fetches OpenMeter's SDK from npm");
        await using var openMeter = await OpenMeterStandIn.StartAsync(TestContext.Current.CancellationToken);
        openMeter.RequiredToken = "right";
        var directory = Directory.CreateTempSubdirectory("kgents-sdk-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(directory.FullName, "package.json"), """{"private":true,"type":"module"}""", TestContext.Current.CancellationToken);
            File.Copy(Path.Combine(Repository.Root, "tests", "Kgents.Tests", "Testing", "openmeter-sdk.mjs"), Path.Combine(directory.FullName, "openmeter-sdk.mjs"));
            await RunAsync(directory, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", Package);

            var found = JsonElement.Parse(await RunAsync(directory, "node", "openmeter-sdk.mjs", openMeter.Endpoint.GetLeftPart(UriPartial.Authority), "right", "wrong"));

            Assert.Equal("""[["one","acme","100","object","object"],["two","acme","20","object","object"]]""", found.GetProperty("listed").GetRawText());
            Assert.Equal(4, found.GetProperty("all").GetInt32());
            Assert.Equal((124, 1), (openMeter.Sum("tokens", "acme"), openMeter.Duplicates));
            Assert.All(openMeter.Requests.Where(request => request.EventCount > 0), request => Assert.Equal("application/cloudevents-batch+json", request.ContentType));

            Refused("refusedSubject", 400, "/1/subject");
            Refused("refusedData", 400, "/0/data");
            Refused("refusedKey", 401, "");

            void Refused(string name, int status, string where)
            {
                var refusal = found.GetProperty(name);
                Assert.True(refusal.ValueKind == JsonValueKind.Object && refusal.GetProperty("status").GetInt32() == status, $"{name}: {refusal}");
                Assert.Contains(where, refusal.GetProperty("detail").GetString(), StringComparison.Ordinal);
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    /// <summary>What it wrote.</summary>
    private static async Task<string> RunAsync(DirectoryInfo directory, string file, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { WorkingDirectory = directory.FullName, RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var ended = TestContext.Current.CancellationToken.Register(() => process.Kill(entireProcessTree: true));
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, await errors);
        return output;
    }
}
